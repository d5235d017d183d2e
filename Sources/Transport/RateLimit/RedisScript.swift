internal import Crypto

/// The decision as Redis makes it: every limit of a call checked, then all or none charged, in one atomic step.
///
/// KEYS are the counters. ARGV has five integers and words a counter:
///
///     r EMISSION CAPACITY HITS SHADOW      a rate; emission in nanoseconds
///     w SPAN     CAPACITY HITS SHADOW      a window of SPAN seconds
///     m MONTHS   CAPACITY HITS SHADOW      a window of calendar months
///
/// and after them `p` where the counters are only some of the call's, the others being on other servers of a cluster: the charge is
/// provisional, and may be given back (`RedisScript.giveBack`).
///
/// The answer is `[mark, now in µs, then two integers a counter as it was before the call]`: a rate's level in
/// nanoseconds and 0, or a window's hits and its end in seconds. From these `CounterState` makes the verdicts, so that
/// what is said is worked out in one place, whichever store counted. The mark is 1 if charged, 0 if refused, and 2 if refused only
/// because of provisional charges of the last tenth of a second, which may be given back in a moment.
///
/// A counter's value is two integers: `LEVEL LAST-µs` or `HITS END-s`, and two more where a provisional charge was made: how
/// much of the first is provisional, and when the last was made, in µs. It is written with its time to live, so that none
/// is ever left behind. All numbers are whole and below 2⁵³; `%.0f` writes them all out, where Lua's own conversion
/// would keep 14 digits. Time is the server's, and may go back as `CounterState` allows. Needs Redis 5, which replicates
/// what a script did and not the script.
package struct RedisScript: Sendable {
    package let text: String
    /// What EVALSHA calls it.
    let name: String

    init(_ text: String) {
        self.text = text
        name = ScriptDigest.name(of: text)
    }

    package static let decision = RedisScript(
        """
        local time = redis.call('TIME')
        local seconds = tonumber(time[1])
        local now = seconds * 1000000 + tonumber(time[2])
        local stored = redis.call('MGET', unpack(KEYS))
        local floor = math.floor
        local held, answer, allowed, passing = {}, {1, now}, true, true
        local provisional = ARGV[#KEYS * 5 + 1]

        local function month_of(day)
          day = day + 719468
          local of_era = day % 146097
          local year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
          local of_year = of_era - (365 * year + floor(year / 4) - floor(year / 100))
          return (floor(day / 146097) * 400 + year) * 12 + floor((5 * of_year + 2) / 153) + 2
        end

        local function first_day_of(month)
          month = month - 2
          local year = floor(month / 12)
          local of_era = year % 400
          return floor(year / 400) * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100)
            + floor((153 * (month % 12) + 2) / 5) - 719468
        end

        local function end_of(kind, span)
          if kind == 'w' then return seconds - seconds % span + span, span end
          local month = month_of(floor(seconds / 86400))
          return first_day_of(month - month % span + span) * 86400, span * 31 * 86400
        end

        local function check(i)
          local at = (i - 1) * 5
          local kind, span = ARGV[at + 1], tonumber(ARGV[at + 2])
          local capacity, hits = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
          local wanted = math.max(hits, 1)
          local state, first, second, pending, since = held[KEYS[i]], nil, nil, 0, 0
          if state then
            first, second, pending, since = state[1], state[2], state[4], state[5]
          elseif stored[i] then
            first, second, pending, since = string.match(stored[i], '^(%d+) (%d+) ?(%d*) ?(%d*)$')
            first, second = tonumber(first), tonumber(second)
            pending, since = tonumber(pending) or 0, tonumber(since) or 0
            if now - since > 100000 then pending = 0 end
          end
          local fits, charged, without, added
          if kind == 'r' then
            local level = 0
            if first then level = math.max(0, first - math.max(0, now - second) * 1000) end
            answer[i * 2 + 1], answer[i * 2 + 2] = level, 0
            fits = wanted <= capacity and level + wanted * span <= capacity * span
            without = wanted <= capacity and level - pending + wanted * span <= capacity * span
            added = hits * span
            charged = {level + hits * span, now, math.ceil((level + hits * span) / 1000000)}
          else
            local used, finish, longest = 0, end_of(kind, span)
            if first and (second == finish or (second > finish and second - finish <= longest)) then
              used, finish = first, second
            else
              pending = 0
            end
            answer[i * 2 + 1], answer[i * 2 + 2] = used, finish
            fits = wanted <= capacity and used + wanted <= capacity
            without = wanted <= capacity and used - pending + wanted <= capacity
            added = hits
            charged = {used + hits, finish, math.ceil(finish * 1000 - now / 1000)}
          end
          charged[4], charged[5] = pending, since
          if provisional then charged[4], charged[5] = pending + added, now end
          if fits and hits > 0 then return true, charged end
          return fits, nil, without
        end

        for i = 1, #KEYS do
          if ARGV[i * 5] == '0' then
            local fits, charged, without = check(i)
            if not fits then
              allowed = false
              if not without then passing = false end
            end
            if charged then held[KEYS[i]] = charged end
          end
        end
        if not allowed then held = {} end
        for i = 1, #KEYS do
          if ARGV[i * 5] == '1' then
            local fits, charged = check(i)
            if charged and allowed then held[KEYS[i]] = charged end
          end
        end
        for key, state in pairs(held) do
          local value = string.format('%.0f %.0f', state[1], state[2])
          if state[4] > 0 then value = value .. string.format(' %.0f %.0f', state[4], state[5]) end
          redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, state[3])))
        end
        if not allowed then answer[1] = passing and 2 or 0 end
        return answer
        """)

    /// Takes provisional charges back: of a call that was refused on another server of the cluster.
    ///
    /// KEYS are the counters. ARGV has three words a counter: its kind as above, how much was charged (nanoseconds of a rate's
    /// level, or hits), and when: a rate's now in µs, or the end of the window in seconds. A rate has drained since, and what it has
    /// drained is not given back: never is more given back than the charge still stands for.
    static let giveBack = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local stored = redis.call('MGET', unpack(KEYS))
        local held = {}
        for i = 1, #KEYS do
          local kind, amount, stamp = ARGV[i * 3 - 2], tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
          local first, second, pending, since = string.match(held[KEYS[i]] or stored[i] or '', '^(%d+) (%d+) ?(%d*) ?(%d*)$')
          if first then
            first, second = tonumber(first), tonumber(second)
            pending, since = math.max(0, (tonumber(pending) or 0) - amount), tonumber(since) or 0
            local life
            if kind == 'r' then
              local level = math.max(0, first - math.max(0, now - second) * 1000)
              first = math.max(0, level - math.max(0, amount - math.max(0, now - stamp) * 1000))
              second, life = now, first / 1000000
            elseif second == stamp then
              first, life = math.max(0, first - amount), second * 1000 - now / 1000
            end
            if life then
              local value = string.format('%.0f %.0f', first, second)
              if pending > 0 then value = value .. string.format(' %.0f %.0f', pending, since) end
              held[KEYS[i]] = value
              redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', math.max(1, math.ceil(life))))
            end
          end
        end
        return #KEYS
        """)
}
