-- Completions that somebody submitted and will ask for later. Each operation is one call. Times in ms.
--
--   task:ID      hash: tenant, state, created, attempts, and body, lease or code, result
--   turns        list: tenants with a line;  line:TENANT  list: ids in order, forgotten ones among them
--   open:TENANT  sorted set: ids that have not ended, by the time when they are forgotten
--   leases       sorted set: ids that run, by the time when their replica counts as dead
--
-- KEYS: what these names begin with. ARGV: the operation, what is asked as JSON, and a body, which may be any bytes.
local P = KEYS[1] .. ':'
local ask = cjson.decode(ARGV[2])
local body = ARGV[3]
local now = ask.now
local call = redis.call

local function task(id)
    return P .. 'task:' .. id
end

local function keep(id, tenant)
    call('PEXPIRE', task(id), ask.patience)
    call('ZADD', P .. 'open:' .. tenant, now + ask.patience, id)
    call('PEXPIRE', P .. 'open:' .. tenant, ask.patience)
end

local function line_up(id, tenant, push)
    local line = P .. 'line:' .. tenant
    if call('EXISTS', line) == 0 then call('RPUSH', P .. 'turns', tenant) end
    call(push, line, id)
end

local function close(id, state)
    local tenant = call('HGET', task(id), 'tenant')
    call('HDEL', task(id), 'body', 'lease')
    call('HSET', task(id), 'state', state)
    call('PEXPIRE', task(id), ask.kept)
    call('ZREM', P .. 'open:' .. tenant, id)
    call('ZREM', P .. 'leases', id)
end

local function give_back(id, attempts)
    call('ZREM', P .. 'leases', id)
    call('HDEL', task(id), 'lease')
    call('HSET', task(id), 'state', 'waiting', 'attempts', attempts)
    line_up(id, call('HGET', task(id), 'tenant'), 'LPUSH')
end

local function attempts(id)
    return tonumber(call('HGET', task(id), 'attempts'))
end

local function held()
    return call('HGET', task(ask.id), 'lease') == ask.lease
end

local function theirs()
    return call('HGET', task(ask.id), 'tenant') == ask.tenant
end

-- Who holds a lease that ran out is dead, or cannot reach Redis: then it stops by itself.
local function reclaim()
    for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'leases', '-inf', now)) do
        if call('EXISTS', task(id)) == 0 then
            call('ZREM', P .. 'leases', id)
        elseif attempts(id) >= ask.attempts then
            close(id, 'failed')
        else
            give_back(id, attempts(id))
        end
    end
end

local function next_id(tenant)
    local line = P .. 'line:' .. tenant
    while true do
        local id = call('LPOP', line)
        if not id or call('HGET', task(id), 'state') == 'waiting' then return id end
    end
end

local operations = {}

function operations.submit()
    local open = P .. 'open:' .. ask.tenant
    call('ZREMRANGEBYSCORE', open, '-inf', now)
    if call('ZCARD', open) >= ask.most then return 0 end
    call('HSET', task(ask.id), 'tenant', ask.tenant, 'state', 'waiting', 'created', now, 'attempts', 0, 'body', body)
    keep(ask.id, ask.tenant)
    line_up(ask.id, ask.tenant, 'RPUSH')
    return 1
end

-- Gives {id, tenant, body, attempt}, or nothing.
function operations.claim()
    reclaim()
    while true do
        local tenant = call('LPOP', P .. 'turns')
        if not tenant then return nil end
        local id = next_id(tenant)
        if call('EXISTS', P .. 'line:' .. tenant) == 1 then call('RPUSH', P .. 'turns', tenant) end
        if id then
            local attempt = call('HINCRBY', task(id), 'attempts', 1)
            call('HSET', task(id), 'state', 'running', 'lease', ask.lease)
            call('ZADD', P .. 'leases', now + ask.held, id)
            keep(id, tenant)
            return {id, tenant, call('HGET', task(id), 'body'), attempt}
        end
    end
end

function operations.renew()
    if not held() then return 0 end
    call('ZADD', P .. 'leases', now + ask.held, ask.id)
    keep(ask.id, call('HGET', task(ask.id), 'tenant'))
    return 1
end

function operations.finish()
    if not held() then return 0 end
    call('HSET', task(ask.id), 'code', ask.code, 'result', body)
    close(ask.id, 'done')
    return 1
end

function operations.hand_back()
    if not held() then return 0 end
    give_back(ask.id, attempts(ask.id) - 1)
    return 1
end

-- Gives {state, created, code, result}, or nothing for another tenant's and for none alike.
function operations.state()
    if not theirs() then return nil end
    return call('HMGET', task(ask.id), 'state', 'created', 'code', 'result')
end

function operations.cancel()
    if not theirs() then return nil end
    local state, line = call('HGET', task(ask.id), 'state'), P .. 'line:' .. ask.tenant
    if state == 'waiting' then
        call('LREM', line, 1, ask.id)
        if call('EXISTS', line) == 0 then call('LREM', P .. 'turns', 1, ask.tenant) end
    end
    if state == 'waiting' or state == 'running' then close(ask.id, 'cancelled') end
    return operations.state()
end

return operations[ARGV[1]]()
