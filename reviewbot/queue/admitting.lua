-- What is let in: the newest event of each subject, by the forge's clock.

local function covered(entry)
    local running = stored('running', entry.request)
    local runs = running and running.subject == entry.subject and running.version == entry.version
    return superseded(entry) or runs or not ask.again
end

-- Why a job is not let in, given the latest that is known of its subject; nil where it is.
local function refusal(entry, newest)
    if not newest then return nil end
    if entry.version == newest.versions[#newest.versions] then
        return covered(entry) and {'duplicate', 'the same is waiting, running or done'} or nil
    end
    if entry.at < newest.at then return {'outdated', 'something newer is known'} end
    for _, version in ipairs(newest.versions) do
        if entry.at == newest.at and entry.version == version then
            return {'duplicate', 'told before, at the same time as something else'}
        end
    end
end

-- Versions that the forge told of at one time cannot be put into an order, so they are remembered together.
local function remember(entry, newest)
    local told = newest or {at = 0, versions = {}}
    if entry.at > told.at then told = {at = entry.at, versions = {}} end
    if entry.version ~= told.versions[#told.versions] then told.versions[#told.versions + 1] = entry.version end
    local name = 'newest:' .. entry.subject
    store(name, 'told', told)
    call('PEXPIRE', P .. name, ask.kept)
end

local function add(jobs, version, job)
    if job.version ~= version then jobs[#jobs + 1] = job end
end

-- Jobs of the same second as a new one, which get their turn after it: those that it takes the place of, and those that
-- were dead. Gives those of them, too, that were given up already.
local function tied_with(entry, newest, replaced, buried)
    local tied, failed = {}, {}
    if not newest or entry.at > newest.at then return tied, failed end
    if replaced then
        for _, job in ipairs(replaced.tied) do add(tied, entry.version, job) end
        for _, job in ipairs(replaced.failed) do add(failed, entry.version, job) end
        add(tied, entry.version, afresh(replaced))
    end
    if buried then
        for _, job in ipairs(buried.failed) do add(tied, entry.version, afresh(job)) end
        add(tied, entry.version, afresh(buried))
    end
    return tied, failed
end

local function replace(entry, old)
    -- It keeps its place, and its project's name of then: the line and the tally go by it.
    entry.since, entry.project = old.since, old.project
    if call('ZREM', P .. 'later', entry.subject) == 1 then
        count(entry.project, 'retrying', -1)
        count(entry.project, 'waiting', 1)
        line_up(entry)
    end
    store('pending', entry.subject, entry)
    if #entry.tied == 0 then count(entry.project, 'ended:superseded', 1) end
end

-- Gives {admission, reason}.
function operations.enqueue()
    local entry = ask.entry
    if ask.delivery ~= '' and call('EXISTS', P .. 'seen:' .. ask.delivery) == 1 then
        return {'duplicate', 'this webhook was delivered before'}
    end
    local newest = stored('newest:' .. entry.subject, 'told')
    local refused = refusal(entry, newest)
    if refused then
        -- The forge may say later that it still stands: what it told in between is older than that.
        if entry.at > newest.at then remember(entry, newest) end
        return refused
    end
    local old = stored('pending', entry.subject)
    local tally = call('HMGET', P .. 'tally:' .. entry.project, 'waiting', 'retrying')
    if not old and (tonumber(tally[1]) or 0) + (tonumber(tally[2]) or 0) >= ask.most then
        return {'refused', 'the project has ' .. ask.most .. ' requests waiting'}
    end
    local running = stored('running', entry.request)
    if running and running.subject ~= entry.subject then running = nil end
    local buried = unbury(entry.subject)
    entry.tied, entry.failed = tied_with(entry, newest, old or running, buried)
    remember(entry, newest)
    if ask.delivery ~= '' then call('SET', P .. 'seen:' .. ask.delivery, 1, 'PX', ask.kept) end
    if old then replace(entry, old) else wait(entry) end
    if old then return {'superseding', 'in place of one that waited'} end
    if running then return {'superseding', 'in place of one that runs'} end
    return {'fresh', 'it waits for a worker'}
end
