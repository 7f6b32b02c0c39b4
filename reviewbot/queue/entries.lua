-- What the queue knows, and the steps that its operations are made of. `admitting.lua` and `working.lua` follow in the
-- same script. Every operation is one call, so a process that dies leaves it done or not begun. Times in ms, by the
-- caller's clock.
--
-- An entry is what the queue knows of a job: {job (as it was spelt), id, subject, request, project, version, at, since,
-- attempt, deliveries, tied, failed}, and while it runs {ticket, lease, started}, and once it is dead {reason, died}.
-- `tied` are jobs that happened at the same time as this one by a clock that counts in seconds: which of them is the
-- newest only the forge can tell, so each gets its turn, the last to come first. `failed` are those of them that were
-- given up meanwhile, {…, attempt, reason}: they are dead when all others have had their turn, with the last of them.
--
--   pending        hash: subject -> entry that waits in a line, for its request, or for its next attempt
--   turns          list: projects with a line, the next one first
--   line:PROJECT   sorted set: subjects by the time since which they wait
--   held:REQUEST   set: subjects that wait until the request's running job ends
--   later          sorted set: subjects by the time of their next attempt
--   running, taken hashes: request -> entry, ticket -> request
--   dead, buried   hash: subject -> entry; sorted set: subjects by the time of their death
--   newest:SUBJECT the latest time that the forge told of, and the versions that it told of at that time
--   seen:DELIVERY  a webhook that was taken in
--   tally:PROJECT  hash: numbers for the metrics;  projects  sorted set: projects by the time of their last change
--
-- KEYS: what these names begin with, dramatiq's list of tickets. ARGV: the operation, what is asked, as JSON.
local P, TICKETS = KEYS[1] .. ':', KEYS[2]
local ask = cjson.decode(ARGV[2])
local now = ask.now
local call = redis.call

local function decoded(text)
    local entry = cjson.decode(text)
    -- What an earlier version put there has them not.
    entry.tied, entry.failed = entry.tied or {}, entry.failed or {}
    return entry
end

local function stored(hash, field)
    local text = call('HGET', P .. hash, field)
    return text and decoded(text)
end

local function store(hash, field, entry)
    call('HSET', P .. hash, field, cjson.encode(entry))
end

local function count(project, field, by)
    call('HINCRBY', P .. 'tally:' .. project, field, by)
    call('ZADD', P .. 'projects', now, project)
end

-- A message as dramatiq's own broker puts it into Redis (dramatiq/brokers/redis/dispatch.lua, enqueue).
local issued = 0
local function issue()
    issued = issued + 1
    local id = ask.nonce .. '-' .. issued
    call('HSET', TICKETS .. '.msgs', id, cjson.encode({
        queue_name = ask.queue, actor_name = ask.actor, args = {id}, kwargs = {},
        options = {redis_message_id = id}, message_id = id, message_timestamp = now,
    }))
    call('RPUSH', TICKETS, id)
end

local function line_up(entry)
    local line = P .. 'line:' .. entry.project
    if call('EXISTS', line) == 0 then call('RPUSH', P .. 'turns', entry.project) end
    call('ZADD', line, entry.since, entry.subject)
    issue()
end

local function wait(entry)
    entry.ticket, entry.lease, entry.started = nil, nil, nil
    store('pending', entry.subject, entry)
    count(entry.project, 'waiting', 1)
    line_up(entry)
end

-- A job without what came of it.
local function afresh(job)
    return {job = job.job, id = job.id, version = job.version}
end

-- Takes the last of some jobs out, as what the entry is to be about now.
local function turn_to(entry, jobs)
    local job = table.remove(jobs)
    entry.job, entry.id, entry.version = job.job, job.id, job.version
    entry.attempt, entry.deliveries = job.attempt or 1, 0
    return job
end

local function bury(entry, reason)
    entry.reason, entry.died = reason, now
    store('dead', entry.subject, entry)
    call('ZADD', P .. 'buried', now, entry.subject)
    count(entry.project, 'dead', 1 + #entry.failed)
    count(entry.project, 'ended:dead', 1 + #entry.failed)
end

local function unbury(subject)
    local entry = stored('dead', subject)
    if not entry then return nil end
    call('HDEL', P .. 'dead', subject)
    call('ZREM', P .. 'buried', subject)
    count(entry.project, 'dead', -1 - #entry.failed)
    return entry
end

-- Ends a job's time in a worker's hands, and lets those go on that waited for it.
local function let_go(entry)
    call('HDEL', P .. 'running', entry.request)
    call('HDEL', P .. 'taken', entry.ticket)
    count(entry.project, 'running', -1)
    local held = P .. 'held:' .. entry.request
    for _, subject in ipairs(call('SMEMBERS', held)) do line_up(stored('pending', subject)) end
    call('DEL', held)
end

local function superseded(entry)
    return call('HEXISTS', P .. 'pending', entry.subject) == 1
end

-- The job whose lease is shown, or nil where somebody else has it, or nobody.
local function mine()
    local entry = stored('running', ask.request)
    return entry and entry.lease == ask.lease and entry
end

local operations = {}
