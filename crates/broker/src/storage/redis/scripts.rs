//! The scripts. Each is atomic, and uses the clock of the server.
//!
//! All keys share one hash tag, so that a cluster keeps them together:
//!
//! | key | type | content |
//! | --- | --- | --- |
//! | `r:SPACE:TENANT:ID` | hash | `r` revision, `v` value, `d` due, `e` end; ends by itself |
//! | `i:SPACE:TENANT` | sorted set | ids, for lists |
//! | `a:SPACE` | sorted set | tenant, NUL, id, for scans |
//! | `q:SPACE:TENANT:PART` | sorted set | ids that begin with `PART/`, by the time when they are due |
//! | `h:SPACE` | sorted set | tenant, NUL, part by the earliest of these times |
//! | `x:SPACE:TENANT`, `x` | sorted sets | what ends, by its end |
//! | `l:NAME`, `f:NAME` | hash, string | a lock, and its last fencing token |
//! | `changes` | stream | the feed |
//! | `epoch`, `swept`, `schema` | strings | whose feed it is, up to where it was swept, the version |
//!
//! An expired record leaves its ids in the sets until the next sweep; readers skip them.
//!
//! Each server of a tenant has a queue of what is due, so that what is due elsewhere is found without reading past it. In
//! version 1, there was one queue for each space, `d:SPACE`. Instances of that version may still add to it until they are
//! replaced; each sweep moves what they added.

use std::sync::LazyLock;

use redis::Script;

/// Code that the scripts share. `ARGV[1]` is the prefix of all keys.
const COMMON: &str = r"
local P = ARGV[1]
local function record(space, tenant, id) return P .. 'r:' .. space .. ':' .. tenant .. ':' .. id end
local function index(space, tenant) return P .. 'i:' .. space .. ':' .. tenant end
local function ends(space, tenant) return P .. 'x:' .. space .. ':' .. tenant end
local function whole(space) return P .. 'a:' .. space end
local function heads(space) return P .. 'h:' .. space end
local function queue(space, tenant, part) return P .. 'q:' .. space .. ':' .. tenant .. ':' .. part end
local function split(member)
    local at = string.find(member, '\0', 1, true)
    return string.sub(member, 1, at - 1), string.sub(member, at + 1)
end
local function part_of(id) return string.match(id, '^[^/]*') end
local function set_head(space, tenant, part)
    local first = redis.call('ZRANGE', queue(space, tenant, part), 0, 0, 'WITHSCORES')
    local member = tenant .. '\0' .. part
    if first[1] then redis.call('ZADD', heads(space), first[2], member) else redis.call('ZREM', heads(space), member) end
end
local function set_due(space, tenant, id, due)
    local part = part_of(id)
    local name = queue(space, tenant, part)
    local has_changed
    if due == '' then has_changed = redis.call('ZREM', name, id)
    else has_changed = redis.call('ZADD', name, 'CH', due, id) end
    if has_changed == 1 then set_head(space, tenant, part) end
end
local function note(watched, space, tenant, id)
    if watched == '1' then redis.call('XADD', P .. 'changes', '*', 's', space, 't', tenant, 'i', id) end
end
local function forget(space, tenant, id)
    local member = tenant .. '\0' .. id
    redis.call('ZREM', index(space, tenant), id)
    redis.call('ZREM', ends(space, tenant), id)
    redis.call('ZREM', whole(space), member)
    set_due(space, tenant, id, '')
    redis.call('ZREM', P .. 'x', space .. '\0' .. member)
end
local function holds(current, kind, value, name)
    if kind == 'absent' then return not current end
    if kind == 'revision' then return current == value end
    if kind == 'fence' then
        local last = redis.call('GET', P .. 'f:' .. name)
        return not last or tonumber(last) <= tonumber(value)
    end
    return true
end
local function store(space, tenant, id, revision, value, due, ending)
    local key, member = record(space, tenant, id), tenant .. '\0' .. id
    redis.call('HSET', key, 'r', string.format('%.0f', revision), 'v', value, 'd', due, 'e', ending)
    redis.call('ZADD', index(space, tenant), 0, id)
    redis.call('ZADD', whole(space), 0, member)
    set_due(space, tenant, id, due)
    if ending == '' then
        redis.call('PERSIST', key)
        redis.call('ZREM', ends(space, tenant), id)
        redis.call('ZREM', P .. 'x', space .. '\0' .. member)
    else
        redis.call('ZADD', ends(space, tenant), ending, id)
        redis.call('ZADD', P .. 'x', ending, space .. '\0' .. member)
        redis.call('EXPIREAT', key, ending)
    end
end
local function store_also(from)
    for at = from, #ARGV, 6 do
        local space, tenant, id = ARGV[at], ARGV[at + 1], ARGV[at + 2]
        if redis.call('EXISTS', record(space, tenant, id)) == 0 then
            store(space, tenant, id, 1, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
        end
    end
end
local function add(found, space, tenant, id)
    local values = redis.call('HMGET', record(space, tenant, id), 'r', 'v', 'd', 'e')
    if not values[1] then return false end
    found[#found + 1] = tenant
    found[#found + 1] = id
    for at = 1, 4 do found[#found + 1] = values[at] or '' end
    return true
end
";

/// A script, loaded when it is first run.
macro_rules! script {
    ($(#[$doc:meta])* $name:ident, $text:literal) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(&format!("{COMMON}{}", $text)));
    };
}

script! {
    PUT, r"
local space, tenant, id = ARGV[2], ARGV[3], ARGV[4]
local current = redis.call('HGET', record(space, tenant, id), 'r')
if not holds(current, ARGV[9], ARGV[10], ARGV[11]) then return 0 end
local last = 12 + 4 * tonumber(ARGV[12])
for at = 13, last, 4 do
    if redis.call('HGET', record(ARGV[at], ARGV[at + 1], ARGV[at + 2]), 'r') ~= ARGV[at + 3] then return 0 end
end
for at = 13, last, 4 do
    redis.call('DEL', record(ARGV[at], ARGV[at + 1], ARGV[at + 2]))
    forget(ARGV[at], ARGV[at + 1], ARGV[at + 2])
end
local revision = (tonumber(current or '0')) + 1
store(space, tenant, id, revision, ARGV[5], ARGV[6], ARGV[7])
note(ARGV[8], space, tenant, id)
store_also(last + 1)
return revision
"}

script! {
    DELETE, r"
local space, tenant, id = ARGV[2], ARGV[3], ARGV[4]
local key = record(space, tenant, id)
local current = redis.call('HGET', key, 'r')
if not current or not holds(current, ARGV[6], ARGV[7], ARGV[8]) then return 0 end
redis.call('DEL', key)
forget(space, tenant, id)
note(ARGV[5], space, tenant, id)
store_also(9)
return 1
"}

script! {
    /// In steps, because there may be ids of expired records in between.
    LIST, r"
local space, tenant, from, to, limit = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local found = {}
while #found < limit * 6 do
    local ids = redis.call('ZRANGEBYLEX', index(space, tenant), from, to, 'LIMIT', 0, 256)
    for _, id in ipairs(ids) do
        if #found < limit * 6 then add(found, space, tenant, id) end
        from = '(' .. id
    end
    if #ids < 256 then break end
end
return found
"}

script! {
    SCAN, r"
local space, from, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = {}
while #found < limit * 6 do
    local members = redis.call('ZRANGEBYLEX', whole(space), from, '+', 'LIMIT', 0, 256)
    for _, member in ipairs(members) do
        local tenant, id = split(member)
        if #found < limit * 6 then add(found, space, tenant, id) end
        from = '(' .. member
    end
    if #members < 256 then break end
end
return found
"}

script! {
    /// Reads the queues in the order of their first records. What is due after as many records as are wanted is not read.
    DUE, r"
local space, to, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local except, all, last, gone = {}, {}, '(' .. string.format('%.0f', tonumber(to) + 1), {}
for n = 5, #ARGV do except[ARGV[n]] = true end
local function sort()
    table.sort(all, function(a, b) return a.due < b.due end)
end
local function take(tenant, part)
    local at, count = 0, 0
    repeat
        local ids = redis.call('ZRANGEBYSCORE', queue(space, tenant, part), '-inf', last, 'WITHSCORES', 'LIMIT', at, limit)
        for n = 1, #ids, 2 do
            local one = { due = tonumber(ids[n + 1]), tenant = tenant, id = ids[n] }
            if redis.call('EXISTS', record(space, tenant, one.id)) == 1 then
                all[#all + 1] = one
                count = count + 1
            else
                gone[#gone + 1] = one
            end
        end
        at = at + limit
    until count >= limit or #ids < 2 * limit
    if #all < limit then return end
    sort()
    for n = #all, limit + 1, -1 do all[n] = nil end
    last = '(' .. string.format('%.0f', all[limit].due)
end
local from = 0
repeat
    local groups = redis.call('ZRANGEBYSCORE', heads(space), '-inf', last, 'LIMIT', from, 256)
    for _, group in ipairs(groups) do
        local tenant, part = split(group)
        if not except[tenant] and not except[tenant .. '/' .. part] then take(tenant, part) end
    end
    from = from + 256
until #groups < 256
for _, one in ipairs(gone) do set_due(space, one.tenant, one.id, '') end
sort()
local found = {}
for _, one in ipairs(all) do add(found, space, one.tenant, one.id) end
return found
"}

script! {
    RESCHEDULE, r"
local space, tenant, id, from, to = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local key = record(space, tenant, id)
if redis.call('HGET', key, 'd') ~= from then return 0 end
redis.call('HSET', key, 'd', to)
set_due(space, tenant, id, to)
return 1
"}

script! {
    RESEAL, r"
local key = record(ARGV[2], ARGV[3], ARGV[4])
if redis.call('HGET', key, 'v') ~= ARGV[5] then return 0 end
redis.call('HSET', key, 'v', ARGV[6])
return 1
"}

script! {
    COUNT, r"
local space, tenant, prefix, limit = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
if prefix ~= '' then
    local count, from = 0, '[' .. prefix
    repeat
        local ids = redis.call('ZRANGEBYLEX', index(space, tenant), from, '(' .. prefix .. '\127', 'LIMIT', 0, 256)
        for _, id in ipairs(ids) do
            count = count + redis.call('EXISTS', record(space, tenant, id))
            from = '(' .. id
        end
    until count >= limit or #ids < 256
    return count
end
local now = redis.call('TIME')[1]
return redis.call('ZCARD', index(space, tenant)) - redis.call('ZCOUNT', ends(space, tenant), '-inf', now)
"}

script! {
    COUNT_DUE, r"
local space, to, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local count = 0
for _, group in ipairs(redis.call('ZRANGEBYSCORE', heads(space), '-inf', to, 'LIMIT', 0, limit)) do
    local tenant, part = split(group)
    count = count + redis.call('ZCOUNT', queue(space, tenant, part), '-inf', to)
    if count >= limit then break end
end
return count
"}

script! {
    /// Moves a thousand due records to their queues, from where version 1 had them. Returns whether there are more.
    MOVE_DUE, r"
local space = ARGV[2]
local old = P .. 'd:' .. space
local members = redis.call('ZRANGE', old, 0, 999)
for _, member in ipairs(members) do
    local tenant, id = split(member)
    local due = redis.call('HGET', record(space, tenant, id), 'd')
    if due then set_due(space, tenant, id, due) end
    redis.call('ZREM', old, member)
end
if #members == 1000 then return 1 end
return 0
"}

script! {
    /// A fencing token is at least the time in microseconds, so it grows even if the last one was flushed.
    LOCK, r"
local name, owner, ttl = ARGV[2], ARGV[3], ARGV[4]
local holder = redis.call('HGET', P .. 'l:' .. name, 'o')
if holder and holder ~= owner then return '' end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', P .. 'f:' .. name) or '0')
local fence = string.format('%.0f', math.max(last + 1, now))
redis.call('SET', P .. 'f:' .. name, fence, 'EX', 86400)
redis.call('HSET', P .. 'l:' .. name, 'o', owner, 'f', fence)
redis.call('PEXPIRE', P .. 'l:' .. name, ttl)
return fence
"}

script! {
    /// An expired lock is renewed if no one has acquired it since.
    RENEW, r"
local name, owner, fence, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('GET', P .. 'f:' .. name) ~= fence then return 0 end
local holder = redis.call('HGET', P .. 'l:' .. name, 'o')
if holder and holder ~= owner then return 0 end
redis.call('EXPIRE', P .. 'f:' .. name, 86400)
redis.call('HSET', P .. 'l:' .. name, 'o', owner, 'f', fence)
redis.call('PEXPIRE', P .. 'l:' .. name, ttl)
return 1
"}

script! {
    UNLOCK, r"
local held = redis.call('HMGET', P .. 'l:' .. ARGV[2], 'o', 'f')
if held[1] == ARGV[3] and held[2] == ARGV[4] then redis.call('DEL', P .. 'l:' .. ARGV[2]) end
return 1
"}

script! {
    /// Removes expired records, a thousand at a time, and entries of the feed that are older than ten minutes.
    /// Returns whether there are more.
    SWEEP, r"
local now = tonumber(redis.call('TIME')[1])
local members = redis.call('ZRANGEBYSCORE', P .. 'x', '-inf', now, 'LIMIT', 0, 1000)
for _, member in ipairs(members) do
    local space, rest = split(member)
    local tenant, id = split(rest)
    redis.call('DEL', record(space, tenant, id))
    forget(space, tenant, id)
end
local oldest = string.format('%.0f-0', (now - 600) * 1000)
local last = redis.call('XREVRANGE', P .. 'changes', '(' .. oldest, '-', 'COUNT', 1)
if #last > 0 then
    redis.call('SET', P .. 'swept', last[1][1])
    redis.call('XTRIM', P .. 'changes', 'MINID', oldest)
end
if #members == 1000 then return 1 end
return 0
"}

script! {
    /// Returns the epoch, the position of the last sweep, and the id of the last entry.
    FEED, r"
redis.call('SET', P .. 'epoch', ARGV[2], 'NX')
local last = redis.call('XREVRANGE', P .. 'changes', '+', '-', 'COUNT', 1)
local swept = redis.call('GET', P .. 'swept') or '0-0'
local id = swept
if #last > 0 then id = last[1][1] end
return { redis.call('GET', P .. 'epoch'), swept, id }
"}
