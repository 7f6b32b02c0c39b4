-- The limits of one account, shared by all processes: one step at a time, by the server's clock, so that machines
-- whose clocks differ agree. The same rules as reviewbot/llm/rates.py; times in microseconds, rates per window.
--
-- KEYS: the sorted set of requests, the hash of everything else, the hash of what is leased ("requests tokens until"
-- by process). ARGV: what is asked, as JSON.
local log, state, leases = KEYS[1], KEYS[2], KEYS[3]
local ask = cjson.decode(ARGV[1])
local rules = ask.rules
local window, kept = rules.window, rules.kept
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local NAMES = {'bucket', 'current', 'previous', 'full', 'low', 'stepped', 'next', 'hold', 'counted', 'sent', 'refused',
    'pressed', 'reborn'}
local stored = redis.call('HMGET', state, unpack(NAMES))
local at = {}
for i, name in ipairs(NAMES) do at[name] = tonumber(stored[i] or 0) end

local function save()
    local pairs_ = {}
    for _, name in ipairs(NAMES) do
        pairs_[#pairs_ + 1] = name
        pairs_[#pairs_ + 1] = at[name]
    end
    redis.call('HSET', state, unpack(pairs_))
    -- Long enough for the slowest recovery: sixteenths to the full rate by tenths.
    redis.call('PEXPIRE', state, math.ceil((12 * window + math.max(at.next - now, 0)) / 1000))
    redis.call('PEXPIRE', log, math.ceil(2 * kept / 1000))
end

local function roll()
    local bucket = math.floor(now / window)
    if bucket ~= at.bucket then
        at.previous = bucket == at.bucket + 1 and at.current or 0
        at.bucket, at.current = bucket, 0
    end
end

local function give_back(bucket, tokens)
    if bucket == at.bucket then
        at.current = math.max(at.current - tokens, 0)
    elseif bucket == at.bucket - 1 then
        at.previous = math.max(at.previous - tokens, 0)
    end
end

local function used()
    return at.current + at.previous * (1 - now / window + at.bucket)
end

-- What is set aside for processes, the asker included, which may use it when they lose Redis.
local lent, mine = {requests = 0, tokens = 0}, {requests = 0, tokens = 0}
local entries = redis.call('HGETALL', leases)
for i = 1, #entries, 2 do
    local requests, tokens, ends = string.match(entries[i + 1], '^(%d+) (%d+) (%d+)$')
    if tonumber(ends) <= now then
        redis.call('HDEL', leases, entries[i])
    else
        if entries[i] == ask.process then mine = {requests = requests, tokens = tokens} end
        lent.requests, lent.tokens = lent.requests + requests, lent.tokens + tokens
    end
end

-- Only what is lent is in the way: its holders give it back within a look or two.
local function press()
    at.pressed = now
    return now + rules.look
end

local function tokens_earliest(tokens)
    if rules.tokens == 0 then return now end
    local wanted = math.min(tokens, rules.tokens)
    if used() + wanted + lent.tokens <= rules.tokens + 0.001 then return now end
    if used() + wanted <= rules.tokens + 0.001 then return press() end
    local start = at.bucket * window
    local room = rules.tokens - wanted - at.current
    if room >= 0 then return start + (1 - room / at.previous) * window end
    return start + (2 - (rules.tokens - wanted) / at.current) * window
end

local function rate()
    if at.low == 0 then return nil end
    local value = at.low + math.floor((now - at.stepped) / window) * rules.step_up * at.full
    if value < at.full then return value end
    at.low = 0
    return nil
end

local function score(first)
    return tonumber(redis.call('ZRANGE', log, first, first, 'WITHSCORES')[2])
end

-- Requests a window: the limit, or what was observed where there is none; 0 where that is not known yet.
local function full_rate()
    local count = redis.call('ZCARD', log)
    if rules.requests > 0 or count == 0 then return rules.requests end
    local span = now - score(0)
    if span < window * rules.observed then return 0 end
    return count * window / math.min(span, window)
end

local function tally(sent, refused)
    if now >= at.counted + window then
        at.counted, at.sent, at.refused = now, 0, 0
    end
    at.sent, at.refused = at.sent + sent, at.refused + refused
end

local function step_down(refused, gap)
    tally(0, refused)
    local full = full_rate()
    local present = rate() or full
    if now < at.next or present == 0 then return end
    local beyond_chance = at.refused - math.sqrt(at.refused) >= rules.tolerated * at.sent
    if at.full > 0 and not beyond_chance then return end
    if at.low == 0 then at.full = full end
    at.low = math.max(present * rules.step_down, at.full * rules.lowest, 1)
    at.stepped, at.next, at.counted = now, now + gap, now
    at.sent, at.refused = 0, 0
end

local function left(count)
    local share = 1
    if rules.requests > 0 then share = math.min(share, 1 - count / rules.requests) end
    if rules.tokens > 0 then share = math.min(share, 1 - used() / rules.tokens) end
    local present = rate()
    if present then share = share * present / at.full end
    return math.floor(math.max(share, 0) * 1000000)
end

local function earliest(count)
    local time = math.max(now, at.hold, tokens_earliest(ask.tokens))
    if rules.requests > 0 and count >= rules.requests then
        time = math.max(time, score(count - rules.requests) + kept)
    elseif rules.requests > 0 and count + lent.requests >= rules.requests then
        time = math.max(time, press())
    end
    local present = rate()
    if present and count > 0 then time = math.max(time, score(-1) + window / present) end
    return time
end

local operations = {}

-- Gives {microseconds to wait or 0 when let through, bucket of the tokens, millionths left}; -1 where what this
-- process did last is not known any more.
function operations.acquire()
    redis.call('ZREMRANGEBYSCORE', log, '-inf', now - kept)
    if ask.last ~= '' and not redis.call('ZSCORE', log, ask.last) then return {-1, 0, 0} end
    if ask.refused > 0 then step_down(ask.refused, ask.gap) end
    local count = redis.call('ZCARD', log)
    local wait = math.ceil(earliest(count) - now)
    if wait <= 0 then
        redis.call('ZADD', log, now, ask.member)
        at.current = at.current + ask.tokens
        tally(1, 0)
        count, wait = count + 1, 0
    end
    save()
    return {wait, at.bucket, left(count)}
end

function operations.settle()
    if ask.more > 0 then
        at.current = at.current + ask.more
    else
        give_back(ask.bucket, -ask.more)
    end
    save()
    return {0, at.bucket, left(redis.call('ZCARD', log))}
end

function operations.undo()
    if redis.call('ZREM', log, ask.member) == 1 then
        give_back(at.bucket, ask.tokens)
        save()
    end
    return {0, at.bucket, left(redis.call('ZCARD', log))}
end

-- Sets a part of what is free aside for a process. Little, and nothing while somebody waits for it: what is lent
-- serves nobody else. What the process believes to have stays set aside, even if it is told to have less: this answer
-- may be lost on its way. Gives what `acquire` gives, and how many requests and tokens that are.
function operations.lease()
    redis.call('ZREMRANGEBYSCORE', log, '-inf', now - kept)
    if ask.last ~= '' and not redis.call('ZSCORE', log, ask.last) then return {-1, 0, 0} end
    local count = redis.call('ZCARD', log)
    local requests = math.floor((rules.requests - count - lent.requests + mine.requests) / (2 * ask.replicas))
    local tokens = math.floor((rules.tokens - used() - lent.tokens + mine.tokens) / (2 * ask.replicas))
    if at.hold > now or now < at.pressed + 4 * rules.look then requests, tokens = 0, 0 end
    requests, tokens = math.max(requests, 0), math.max(tokens, 0)
    local kept_requests, kept_tokens = math.max(requests, ask.has[1]), math.max(tokens, ask.has[2])
    redis.call('HSET', leases, ask.process, string.format('%d %d %d', kept_requests, kept_tokens, now + ask['until']))
    redis.call('PEXPIRE', leases, math.ceil(ask['until'] / 1000))
    return {0, at.bucket, left(count), requests, tokens}
end

-- Puts back what a process remembers; `hold` keeps all waiting until the others have told what they did too.
function operations.restore()
    for _, entry in ipairs(ask.entries) do redis.call('ZADD', log, 'NX', now - entry[1], entry[2]) end
    -- Nothing is known of the account any more, or was when the first told it again: then all tokens are news.
    if not stored[1] then at.reborn = now end
    at.current = at.current + (now < at.reborn + 20 * rules.look and ask.used or ask.alone)
    if ask.hold > 0 and at.hold <= now then at.hold = now + ask.hold end
    save()
    return {0, at.bucket, left(redis.call('ZCARD', log))}
end

roll()
return operations[ask.operation]()
