-- What processes tell each other of a pool's keys: takes the news of one, and gives what all know. One step, by the
-- server's clock: times in microseconds, told and given as what is left of them.
--
-- KEYS: for each key its hash, the sorted set of its calls (a member for each slice of time: "slice calls failures"),
-- and the list of its last faults; then the hash of each account. ARGV: the news and the rules, as JSON.
local told = cjson.decode(ARGV[1])
local rules = told.rules
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local states, given = {}, {keys = {}, accounts = {}}

-- Only what changes prolongs it: a key that nobody retires any more is forgotten, and may be tried again.
local function write(hash, ...)
    redis.call('HSET', hash, ...)
    redis.call('PEXPIRE', hash, rules.kept)
end

-- Moves a moment further into the future, never back; whether it did.
local function later(hash, state, name, left)
    if left <= 0 or now + left <= state[name] then return false end
    state[name] = now + left
    write(hash, name, string.format('%d', state[name]))
    return true
end

local function load(hash, numbers, texts)
    local state = {}
    for _, name in ipairs(numbers) do state[name] = tonumber(redis.call('HGET', hash, name) or 0) end
    for _, name in ipairs(texts) do state[name] = redis.call('HGET', hash, name) or '' end
    return state
end

local function count(log, calls, failures)
    redis.call('ZREMRANGEBYSCORE', log, '-inf', now - rules.window)
    if calls > 0 then
        local slice = math.floor(now / rules.slice) * rules.slice
        for _, member in ipairs(redis.call('ZRANGEBYSCORE', log, slice, slice)) do
            local before_calls, before_failures = string.match(member, ' (%d+) (%d+)$')
            calls, failures = calls + before_calls, failures + before_failures
            redis.call('ZREM', log, member)
        end
        redis.call('ZADD', log, slice, string.format('%d %d %d', slice, calls, failures))
        redis.call('PEXPIRE', log, math.ceil(2 * rules.window / 1000))
    end
    local all_calls, all_failures = 0, 0
    for _, member in ipairs(redis.call('ZRANGE', log, 0, -1)) do
        local some_calls, some_failures = string.match(member, ' (%d+) (%d+)$')
        all_calls, all_failures = all_calls + some_calls, all_failures + some_failures
    end
    return all_calls, all_failures
end

local function go_offline(state, left, why)
    local was_offline = state.offline > now
    if not later(state.hash, state, 'offline', left) then return end
    state.why = why
    if not was_offline then state.unproven = rules.proof end
    write(state.hash, 'why', why, 'unproven', state.unproven)
end

-- A canary is made once for all processes, and all prove it together.
local function prove(state, news)
    local before = state.unproven
    if before == -1 and news.unproven > 0 then state.unproven = news.unproven end
    if state.unproven > 0 then state.unproven = math.max(state.unproven - news.proofs, 0) end
    if state.unproven ~= before then write(state.hash, 'unproven', state.unproven) end
end

local function take(at, news)
    local hash, log, faults = KEYS[3 * at - 2], KEYS[3 * at - 1], KEYS[3 * at]
    local state = load(hash, {'rest', 'next', 'offline', 'unproven'}, {'retired', 'why'})
    state.hash, state.log, state.faults = hash, log, faults
    if redis.call('HEXISTS', hash, 'unproven') == 0 then state.unproven = -1 end
    if news.retired ~= '' and state.retired == '' then
        state.retired = news.retired
        write(hash, 'retired', news.retired)
    end
    if later(hash, state, 'rest', news.rest) then
        state.next = news.next
        write(hash, 'next', news.next)
    end
    go_offline(state, news.offline, news.why)
    prove(state, news)
    for _, fault in ipairs(news.faults) do redis.call('LPUSH', faults, fault) end
    redis.call('LTRIM', faults, 0, rules.faults - 1)
    redis.call('PEXPIRE', faults, rules.kept)
    state.calls, state.failures = count(log, news.calls, news.failures)
    return state
end

-- The last one stays: leaving an endpoint alone is the circuit breaker's decision.
local function spared(at)
    for other, state in ipairs(states) do
        if other ~= at and state.retired == '' and state.offline <= now then return true end
    end
    return false
end

local function judge(at, state)
    local calls, failures = state.calls, state.failures
    state.alerting = calls >= rules.minimum and failures > rules.alert * calls
    local beyond_chance = failures - math.sqrt(failures) >= rules.offline * calls
    if not (state.alerting and beyond_chance and failures > rules.offline * calls) then return end
    if state.retired ~= '' or state.offline > now or not spared(at) then return end
    go_offline(state, rules.offline_for, string.format('%d of %d calls of all processes failed within 1 min', failures, calls))
    redis.call('DEL', state.log)
end

local function kinds(faults)
    local counts, listed = {}, {}
    for _, kind in ipairs(redis.call('LRANGE', faults, 0, -1)) do counts[kind] = (counts[kind] or 0) + 1 end
    for kind, number in pairs(counts) do listed[#listed + 1] = {kind, number} end
    return listed
end

local function left(moment)
    return math.max(moment - now, 0)
end

for at, news in ipairs(told.keys) do states[at] = take(at, news) end
for at, state in ipairs(states) do judge(at, state) end
for at, state in ipairs(states) do
    given.keys[at] = {
        id = told.keys[at].id,
        retired = state.retired,
        rest = left(state.rest),
        next = state.next,
        offline = left(state.offline),
        why = state.why,
        unproven = state.unproven,
        calls = state.calls,
        failures = state.failures,
        -- Asked for only when it is to be shown: nobody reads the faults of a healthy key.
        faults = state.alerting and kinds(state.faults) or {},
        alerting = state.alerting,
    }
end
for at, news in ipairs(told.accounts) do
    local hash = KEYS[3 * #told.keys + at]
    local state = load(hash, {'rest', 'slowed'}, {'why'})
    if later(hash, state, 'rest', news.rest) then
        state.why = news.why
        write(hash, 'why', news.why)
    end
    later(hash, state, 'slowed', news.slowed)
    given.accounts[at] = {rest = left(state.rest), why = state.why, slowed = left(state.slowed)}
end
return cjson.encode(given)
