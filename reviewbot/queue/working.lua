-- What a ticket reviews: projects in turn, one job at a time for each request; and how jobs end.

local function start(entry)
    entry.ticket, entry.lease, entry.started = ask.ticket, ask.nonce, now
    store('running', entry.request, entry)
    return {entry.job, entry.attempt, #entry.tied}
end

-- Whether a job whose worker ended without a word is to be done again: not if there is a newer one, nor for ever.
local function survives(entry)
    entry.deliveries = entry.deliveries + 1
    return not superseded(entry) and entry.deliveries <= ask.deliveries
end

-- Ends a job that was let go: what is tied to it gets its turn first.
local function give_up(entry, reason)
    if #entry.tied == 0 then return bury(entry, reason) end
    entry.failed[#entry.failed + 1] = {
        job = entry.job, id = entry.id, version = entry.version, attempt = entry.attempt, reason = reason,
    }
    turn_to(entry, entry.tied)
    wait(entry)
end

local function drop(entry)
    if superseded(entry) then return count(entry.project, 'ended:superseded', 1) end
    give_up(entry, 'its worker ended in the middle of it, ' .. entry.deliveries .. ' times')
end

local function next_subject(project)
    local line = P .. 'line:' .. project
    while true do
        local first = call('ZPOPMIN', line)
        if not first[1] then return nil end
        local entry = stored('pending', first[1])
        if call('HEXISTS', P .. 'running', entry.request) == 0 then return entry end
        call('SADD', P .. 'held:' .. entry.request, entry.subject)
    end
end

-- Gives {job, attempt, how many are tied} of the next one of a project, or nothing where a job of each of its requests runs.
local function next_of(project)
    local entry = next_subject(project)
    if call('EXISTS', P .. 'line:' .. project) == 1 then call('RPUSH', P .. 'turns', project) end
    if not entry then return nil end
    call('HDEL', P .. 'pending', entry.subject)
    call('HSET', P .. 'taken', ask.ticket, entry.request)
    count(project, 'waiting', -1)
    count(project, 'running', 1)
    return start(entry)
end

-- Of projects none of whose jobs run alone; 'later' where only others wait.
local function next_unserved()
    local later = nil
    for _, project in ipairs(call('LRANGE', P .. 'turns', 0, -1)) do
        if (tonumber(call('HGET', P .. 'tally:' .. project, 'running')) or 0) > 0 then
            later = 'later'
        else
            call('LREM', P .. 'turns', 1, project)
            local answer = next_of(project)
            if answer then return answer end
        end
    end
    return later
end

-- Gives {job, attempt, how many are tied}, or nothing: then there is no work, and the ticket is done.
function operations.take()
    local request = call('HGET', P .. 'taken', ask.ticket)
    if request then
        local entry = stored('running', request)
        if survives(entry) then return start(entry) end
        let_go(entry)
        drop(entry)
    end
    if ask.spare then return next_unserved() end
    while true do
        local project = call('LPOP', P .. 'turns')
        if not project then return nil end
        local answer = next_of(project)
        if answer then return answer end
    end
end

local function measure(entry)
    local class, spent = 0, math.max(now - entry.started, 0)
    while class < #ask.times and spent > ask.times[class + 1] * 1000 do class = class + 1 end
    count(entry.project, 'ms', spent)
    count(entry.project, 'time:' .. class, 1)
end

function operations.finish()
    local entry = mine()
    if not entry then return 'lost' end
    let_go(entry)
    count(entry.project, 'ended:' .. ask.outcome, 1)
    measure(entry)
    if superseded(entry) then return 'done' end
    if #entry.tied > 0 then
        turn_to(entry, entry.tied)
        wait(entry)
    elseif #entry.failed > 0 then
        bury(entry, turn_to(entry, entry.failed).reason)
    end
    return 'done'
end

-- `due` is the time of the next attempt, 0 for none.
function operations.fail()
    local entry = mine()
    if not entry then return 'lost' end
    let_go(entry)
    if superseded(entry) then
        count(entry.project, 'ended:superseded', 1)
        return 'superseded'
    end
    if ask.due == 0 then
        measure(entry)
        give_up(entry, ask.reason)
        return 'dead'
    end
    entry.attempt = entry.attempt + 1
    store('pending', entry.subject, entry)
    call('ZADD', P .. 'later', ask.due, entry.subject)
    count(entry.project, 'retrying', 1)
    count(entry.project, 'retries', 1)
    return 'retried'
end

function operations.hand_back()
    local entry = mine()
    if not entry then return 'lost' end
    let_go(entry)
    if superseded(entry) then
        count(entry.project, 'ended:superseded', 1)
        return 'superseded'
    end
    wait(entry)
    return 'returned'
end

-- Whether to stop: another one has the job, or a newer one of its subject waits.
function operations.superseded()
    local entry = mine()
    return (not entry or superseded(entry)) and 1 or 0
end

local function promote()
    for _, subject in ipairs(call('ZRANGEBYSCORE', P .. 'later', '-inf', now, 'LIMIT', 0, ask.most)) do
        call('ZREM', P .. 'later', subject)
        local entry = stored('pending', subject)
        count(entry.project, 'retrying', -1)
        entry.since = now
        wait(entry)
    end
end

-- A job whose ticket dramatiq does not know any more: its worker ended without a word, and acknowledged the ticket.
local function adopt()
    local entries = call('HGETALL', P .. 'running')
    for at = 2, #entries, 2 do
        local entry = decoded(entries[at])
        if call('HEXISTS', TICKETS .. '.msgs', entry.ticket) == 0 then
            let_go(entry)
            if survives(entry) then wait(entry) else drop(entry) end
        end
    end
end

local function forget()
    for _, subject in ipairs(call('ZRANGEBYSCORE', P .. 'buried', '-inf', now - ask.kept, 'LIMIT', 0, ask.most)) do
        unbury(subject)
    end
    for _, project in ipairs(call('ZRANGEBYSCORE', P .. 'projects', '-inf', now - ask.kept, 'LIMIT', 0, ask.most)) do
        local busy = 0
        local gauges = call('HMGET', P .. 'tally:' .. project, 'waiting', 'retrying', 'running', 'dead')
        for at = 1, 4 do busy = busy + (tonumber(gauges[at]) or 0) end
        if busy == 0 then
            call('DEL', P .. 'tally:' .. project)
            call('ZREM', P .. 'projects', project)
        end
    end
end

-- Holds what must hold after whatever crash: who waits in a line has a ticket, who runs has one that dramatiq knows.
-- Spare tickets do no harm: they find no work. Gives the number of tickets that were missing.
function operations.sweep()
    promote()
    adopt()
    forget()
    local before, missing = issued, -call('LLEN', TICKETS)
    for _, project in ipairs(call('LRANGE', P .. 'turns', 0, -1)) do
        missing = missing + call('ZCARD', P .. 'line:' .. project)
    end
    for _ = 1, math.min(missing, ask.most) do issue() end
    return issued - before
end

-- Gives {job, attempts, reason, time of death} of each dead one, flat, the last first.
function operations.dead()
    local answer = {}
    for _, subject in ipairs(call('ZREVRANGE', P .. 'buried', 0, -1)) do
        local entry = stored('dead', subject)
        local jobs = {entry, unpack(entry.failed)}
        for _, job in ipairs(jobs) do
            for _, value in ipairs({job.job, job.attempt, job.reason, entry.died}) do answer[#answer + 1] = value end
        end
    end
    return answer
end

local function is_of(entry, id)
    for _, job in ipairs(entry.failed) do
        if job.id == id then return true end
    end
    return id == '' or id == entry.id
end

-- Puts dead jobs back, the one with this id and those of its second or all, at their first attempt. Gives how many.
function operations.requeue()
    local back = 0
    for _, subject in ipairs(call('ZRANGE', P .. 'buried', 0, -1)) do
        local entry = stored('dead', subject)
        if is_of(entry, ask.id) then
            unbury(subject)
            back = back + 1 + #entry.failed
            entry.attempt, entry.deliveries, entry.since, entry.reason, entry.died = 1, 0, now, nil, nil
            for _, job in ipairs(entry.failed) do entry.tied[#entry.tied + 1] = afresh(job) end
            entry.failed = {}
            wait(entry)
        end
    end
    return back
end

-- Gives {project, time since which its first one waits or 0, length of its tally, name, number, …} of each, flat.
function operations.stats()
    local answer = {}
    for _, project in ipairs(call('ZRANGE', P .. 'projects', 0, -1)) do
        local tally = call('HGETALL', P .. 'tally:' .. project)
        local first = call('ZRANGE', P .. 'line:' .. project, 0, 0, 'WITHSCORES')
        for _, value in ipairs({project, first[2] or 0, #tally}) do answer[#answer + 1] = value end
        for _, value in ipairs(tally) do answer[#answer + 1] = value end
    end
    return answer
end

return operations[ARGV[1]]()
