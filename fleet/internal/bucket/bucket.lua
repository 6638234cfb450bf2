-- The shared bucket of one authority, by the rules of retry.Budget, and its shared hold. The server runs a script as
-- one step, so no two processes can take the same retry.
--
-- KEYS[1]  the authority's hash
-- ARGV     window (s), floor, ratio, refill (1/s), withdraw, refund, successes, hold (s), time to live (ms)
-- returns  1 if what was to be withdrawn was there, else 0; the capacity; the balance; rest and length of the hold
-- (ms)

-- finite is v as a number, or what it is by default: a field may be missing, or written by something else.
local function finite(v, default)
	v = tonumber(v)
	if v == nil or v ~= v or v == math.huge or v == -math.huge then
		return default
	end
	return v
end

local window, floor, ratio, refill = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local withdraw, refund, successes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local hold, live = tonumber(ARGV[8]), ARGV[9]

local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

-- A server that took over from another one may have an earlier clock: no field lies in the future.
local stored = redis.call('HMGET', KEYS[1], 'level', 'advanced', 'rate', 'counted', 'until', 'length')
local level = math.min(math.max(finite(stored[1], 1), 0), 1)
local advanced = math.min(finite(stored[2], now), now)
local rate = math.max(finite(stored[3], 0), 0)
local counted = math.min(finite(stored[4], now), now)
local length = math.max(finite(stored[6], 0), 0)
local ends = math.min(finite(stored[5], 0), now + length)

-- The rate holds for one window without a success and then decays over ten.
local function faded()
	local idle = now - counted - window
	if idle <= 0 then
		return rate
	end
	return rate * math.exp(-idle / (10 * window))
end

-- An exponentially weighted moving average of the successes a second.
local function average(old, n, elapsed)
	local x = elapsed / window
	if x < 1e-9 then
		return old + n / window
	end
	if n < old * elapsed then
		x = math.min(x, 1)
	end
	local kept = math.exp(-x)
	return old * kept + n / elapsed * (1 - kept)
end

-- It is the share of the capacity that is kept, so that a full bucket stays full while the capacity grows.
local capacity
local function advance(n)
	if n > 0 then
		rate = average(faded(), n, now - counted)
		counted = now
	end
	capacity = math.max(window * faded(), floor)
	level = math.min(level + (ratio * n + refill * (now - advanced)) / capacity, 1)
	advanced = now
end

if refund > 0 then
	advance(0)
	level = math.min(level + refund / capacity, 1)
end
advance(successes)

local granted = 1
if withdraw > 0 then
	-- A full bucket that holds 1 pays for any retry.
	local left = level - math.min(withdraw, math.max(capacity, 1)) / capacity
	if left < -1e-9 then
		granted = 0
	else
		level = math.max(left, 0)
	end
end

if hold > 0 and now + hold > ends then
	ends, length = now + hold, hold
end

local function text(v)
	return string.format('%.17g', v)
end
redis.call('HSET', KEYS[1], 'level', text(level), 'advanced', text(advanced), 'rate', text(rate),
	'counted', text(counted), 'until', text(ends), 'length', text(length))
redis.call('PEXPIRE', KEYS[1], live)

local rest = math.max(ends - now, 0)
return {granted, text(capacity), text(level * capacity), text(rest * 1000), text(length * 1000)}
