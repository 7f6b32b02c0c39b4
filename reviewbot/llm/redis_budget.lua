-- Accounts of money that processes share: one step at a time. Whole micro-dollars, times in seconds.
--
-- KEYS: the clock of the accounts, the settled claims, and for each account its hash, the hash of what is set aside
-- from it ("micros until" by claim), and the hash of what is leased from it ("micros until" by process).
-- ARGV: what is asked, as JSON. Gives {epoch, count of steps, whether it fits}, and {spent, lost, held, granted to the
-- asker} for each account; or {"lost"} where the asker has seen more steps than there were.
local ask = cjson.decode(ARGV[1])
local clock, settled = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local known = redis.call('HMGET', clock, 'epoch', 'steps', 'hold')
local epoch, steps, hold = known[1] or '', tonumber(known[2] or 0), tonumber(known[3] or 0)

local function names(at)
    return KEYS[3 * at], KEYS[3 * at + 1], KEYS[3 * at + 2]
end

-- Sums amounts; those whose time is past belonged to processes that died, and count as spent.
local function sums(hash, at_s, but)
    local lost, held, entries = 0, 0, redis.call('HGETALL', hash)
    for i = 1, #entries, 2 do
        local micros, ends = string.match(entries[i + 1], '^(%d+) (.+)$')
        if entries[i] ~= but then
            if tonumber(ends) < at_s then lost = lost + micros else held = held + micros end
        end
    end
    return lost, held
end

local function standing(at)
    local account, open, leases = names(at)
    local lost, held = sums(open, ask.at, ask.id)
    local leases_lost, leased = sums(leases, now, '')
    return {
        spent = tonumber(redis.call('HGET', account, 'spent') or 0),
        lost = lost + leases_lost,
        held = held,
        leased = leased,
    }
end

local function keep(name)
    redis.call('EXPIRE', name, ask.kept)
end

local function answer(fits, rows, granted)
    local given = {epoch, steps, fits}
    for at = 1, #ask.caps do
        local is = rows and rows[at] or standing(at)
        for _, value in ipairs({is.spent, is.lost, is.held + is.leased, granted and granted[at] or 0}) do given[#given + 1] = value end
    end
    return given
end

local operations = {}

function operations.reserve()
    local fits, pressing, rows = hold <= now and not redis.call('ZSCORE', settled, ask.id), {}, {}
    for at, limit in ipairs(ask.caps) do
        local is = standing(at)
        rows[at] = is
        local without = is.spent + is.lost + is.held + ask.micros
        if without + is.leased > limit then fits = false end
        if without <= limit and without + is.leased > limit then pressing[#pressing + 1] = at end
    end
    -- Only what is leased is in the way: who holds it gives it back with the next look.
    for _, at in ipairs(pressing) do redis.call('HSET', names(at), 'pressed', now) end
    if not fits then return answer(0, rows) end
    for at = 1, #ask.caps do
        local account, open = names(at)
        redis.call('HSET', open, ask.id, string.format('%d ', ask.micros) .. ask['until'])
        keep(open)
        keep(account)
    end
    return answer(1, rows)
end

-- Once for each claim, however often it is told: an answer may be lost on its way.
function operations.settle()
    local again = redis.call('ZSCORE', settled, ask.id)
    redis.call('ZADD', settled, now, ask.id)
    redis.call('ZREMRANGEBYSCORE', settled, '-inf', now - ask.remembered)
    keep(settled)
    for at = 1, #ask.caps do
        local account, open = names(at)
        redis.call('HDEL', open, ask.id)
        if not again then redis.call('HINCRBY', account, 'spent', ask.micros) end
        keep(account)
    end
    return answer(1)
end

-- Sets a part of what is free aside for a process, for when it loses Redis. All such parts together, those of dead
-- processes included, are a tenth of the limit at most, and none while a request waits for the money. What the process
-- believes to have stays set aside, even if it is told to have less: this answer may be lost on its way.
function operations.lease()
    local granted = {}
    for at, limit in ipairs(ask.caps) do
        local account, _, leases = names(at)
        local is = standing(at)
        local lost, leased = sums(leases, now, ask.process)
        local free = limit - is.spent - is.lost - is.held - leased
        local part = math.min(free / (2 * ask.replicas), limit / (10 * ask.replicas), limit / 10 - lost - leased)
        local pressed = tonumber(redis.call('HGET', account, 'pressed') or 0)
        if now < math.max(pressed + ask.pressed_for, hold) or not ask.leasing then part = 0 end
        granted[at] = math.max(math.floor(part), 0)
        local kept = math.max(granted[at], ask.has[at])
        if kept > 0 then
            redis.call('HSET', leases, ask.process, string.format('%d %d', kept, now + ask.lease_for))
            keep(leases)
        else
            redis.call('HDEL', leases, ask.process)
        end
    end
    return answer(1, nil, granted)
end

-- Puts back what a process knows after Redis has lost it; nobody spends until the others have done so too.
function operations.restore()
    -- Once for each loss: what is told after that is added to what was told before.
    if epoch == '' or (epoch == ask.epoch and steps < ask.steps) then
        epoch, hold = ask.fresh, now + ask.settling
    end
    steps = math.max(steps, ask.steps)
    redis.call('HSET', clock, 'epoch', epoch, 'steps', steps, 'hold', hold)
    for at, known_of in ipairs(ask.accounts) do
        local account, open, leases = names(at)
        -- Of what was spent up to the loss each knows a part, and the most is right; what came after is added to it.
        local had = redis.call('HMGET', account, 'spent', 'epoch', 'base')
        local spent = tonumber(had[1] or 0)
        local base = had[2] == epoch and tonumber(had[3]) or spent
        local missing = math.max(known_of.spent - base, 0)
        local values = {spent = spent + missing, base = base + missing}
        for name, value in pairs(values) do redis.call('HSET', account, name, string.format('%d', value)) end
        redis.call('HSET', account, 'epoch', epoch)
        for _, claim in ipairs(known_of.open) do
            if not redis.call('ZSCORE', settled, claim[1]) then redis.call('HSETNX', open, claim[1], claim[2]) end
        end
        if known_of.leased > 0 then
            redis.call('HSET', leases, ask.process, string.format('%d %d', known_of.leased, now + ask.lease_for))
        end
        for _, name in ipairs({account, open, leases}) do keep(name) end
    end
    return {epoch, steps, 1}
end

if ask.operation ~= 'restore' then
    if ask.epoch ~= '' and (epoch ~= ask.epoch or steps < ask.steps) then return {'lost'} end
    -- Empty: new, or flushed, and who asks has just begun. Whoever knows more is given the time to tell it.
    if epoch == '' then epoch, hold = ask.fresh, now + ask.settling end
    steps = steps + 1
    redis.call('HSET', clock, 'epoch', epoch, 'steps', steps, 'hold', hold)
end
keep(clock)
return operations[ask.operation]()
