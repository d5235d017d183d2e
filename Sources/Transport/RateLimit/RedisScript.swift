internal import Bytes
internal import Crypto
internal import Redis
internal import Time

/// The decision as Redis makes it: every limit of a call checked, then all or none charged, in one atomic step.
///
/// KEYS are the counters. ARGV has five words a counter:
///
///     r EMISSION CAPACITY HITS MODE      a rate; emission in nanoseconds
///     w SPAN     CAPACITY HITS MODE      windows of SPAN seconds, from 1970 on
///     c BOUNDS   CAPACITY HITS MODE      windows of the calendar: four bounds of them in seconds, such as "0 86400 172800 259200"
///
/// MODE is 0 where the limit is enforced, 1 for a shadow limit, and 2 where it is charged whatever its level, up to a debt of
/// `CounterState.levelMax` or `CounterState.hitsMax`. `W` and `C` are sliding windows. Bounds come from the gateway's clock: the window before, the present one and the next, so that clocks
/// may differ by as much. After them `p` where the counters are only some of the call's, the others being on other servers of a cluster: the
/// charge is provisional, and may be given back (`RedisScript.giveBack`).
///
/// The answer is `[mark, now in µs, then three integers a counter as it was before the call]`: a rate's level in
/// nanoseconds and zeros, or a window's hits, its end in seconds, and the hits of the window before, where it slides. From these
/// `CounterState` makes the verdicts, so that what is said is worked out in one place, whichever store counted. The mark is 1 if charged, 0
/// if refused, and 2 if refused only because of provisional charges of the last tenth of a second, which may be given back in a moment.
///
/// A counter's value is integers: `LEVEL LAST-µs` or `HITS END-s`; then the hits of the window before, where it slides; then, where a
/// provisional charge was made, how much of the first is provisional, and since when, in µs: the first of these charges decides, and a
/// tenth of a second later none is provisional any more. It is written with its time to live, so that none is ever left behind. All
/// numbers are whole and below 2⁵³; `%.0f` writes them all out, where Lua's own conversion would keep 14 digits. Time is the server's,
/// and may go back as `CounterState` allows. Needs Redis 5, which replicates what a script did and not the script.
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

        local function window_of(kind, spec)
          if kind == 'w' or kind == 'W' then
            local span = tonumber(spec)
            local start = seconds - seconds % span
            return start, start + span, start + 2 * span
          end
          local bounds = {}
          for bound in string.gmatch(spec, '%d+') do bounds[#bounds + 1] = tonumber(bound) end
          local i = 2
          while i < #bounds and bounds[i] <= seconds do i = i + 1 end
          return bounds[i - 1], bounds[i], bounds[i + 1] or 2 * bounds[i] - bounds[i - 1]
        end

        local function carried(start, finish, previous)
          local length = (finish - start) * 1000
          local left = math.min(math.max(finish * 1000 - floor(now / 1000), 0), length)
          return math.ceil(previous * math.ceil(left * 65536 / length) / 65536)
        end

        local function check(i)
          local at = (i - 1) * 5
          local kind, spec = ARGV[at + 1], ARGV[at + 2]
          local capacity, hits = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
          local always = ARGV[at + 5] == '2'
          local wanted = always and hits or math.max(hits, 1)
          local state, first, second, third, pending, since = held[KEYS[i]], nil, nil, nil, 0, 0
          if state then
            first, second, third, pending, since = state[1], state[2], state[6], state[4], state[5]
          elseif stored[i] then
            first, second, third, pending, since = string.match(stored[i], '^(%d+) (%d+) ?(%d*) ?(%d*) ?(%d*)$')
            first, second, third = tonumber(first), tonumber(second), tonumber(third) or 0
            pending, since = tonumber(pending) or 0, tonumber(since) or 0
            if now - since > 100000 then pending = 0 end
          end
          local fits, charged, without, added
          if kind == 'r' then
            local span = tonumber(spec)
            local level = 0
            if first then level = math.max(0, first - math.max(0, now - second) * 1000) end
            answer[i * 3], answer[i * 3 + 1], answer[i * 3 + 2] = level, 0, 0
            fits = wanted <= capacity and level + wanted * span <= capacity * span
            without = wanted <= capacity and level - pending + wanted * span <= capacity * span
            added = hits * span
            local after = math.min(level + hits * span, 7776000000000000)
            charged = {after, now, math.ceil(after / 1000000)}
          else
            local slides = kind == 'W' or kind == 'C'
            local start, finish, next = window_of(kind, spec)
            local used, previous = 0, 0
            if first and second == finish then
              used, previous = first, third
            elseif first and second > finish and second - finish <= math.max(next - finish, finish - start) then
              start, finish, next = finish, second, second + (second - finish)
              used, previous = first, third
            else
              if first and second == start then previous = first end
              pending = 0
            end
            if not slides then previous = 0 end
            answer[i * 3], answer[i * 3 + 1], answer[i * 3 + 2] = used, finish, previous
            local weight = previous > 0 and carried(start, finish, previous) or 0
            fits = wanted <= capacity and used + weight + wanted <= capacity
            without = wanted <= capacity and used - pending + weight + wanted <= capacity
            added = hits
            charged = {math.min(used + hits, 68719476735), finish, math.ceil((slides and next or finish) * 1000 - now / 1000)}
            third = previous
          end
          charged[4], charged[5], charged[6] = pending, since, third or 0
          if provisional then charged[4], charged[5] = pending + added, pending > 0 and since or now end
          if (fits or always) and hits > 0 then return fits, charged, without end
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
          local mode = ARGV[i * 5]
          if mode ~= '0' then
            local fits, charged = check(i)
            if charged and (allowed or mode == '2') then held[KEYS[i]] = charged end
          end
        end
        for key, state in pairs(held) do
          local value = string.format('%.0f %.0f', state[1], state[2])
          if state[6] > 0 or state[4] > 0 then value = value .. string.format(' %.0f', state[6]) end
          if state[4] > 0 then value = value .. string.format(' %.0f %.0f', state[4], state[5]) end
          redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, state[3])))
        end
        if not allowed then answer[1] = passing and 2 or 0 end
        return answer
        """)

    /// Takes provisional charges back: of a call that was refused on another server of the cluster.
    ///
    /// KEYS are the counters. ARGV has four words a counter: `r` for a rate or another letter, how much was charged (nanoseconds of a rate's
    /// level, or hits), when (a rate's now in µs, or the end of the window in seconds), and a rate's level before the charge, or until when a window's value counts. What
    /// a rate has drained since is first that level, which was there without the charge; beyond it the charge has drained, and what it has
    /// drained is not given back: never is more given back than the charge still stands for.
    static let giveBack = RedisScript(
        """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
        local stored = redis.call('MGET', unpack(KEYS))
        local held = {}
        for i = 1, #KEYS do
          local kind, amount = ARGV[i * 4 - 3], tonumber(ARGV[i * 4 - 2])
          local stamp, context = tonumber(ARGV[i * 4 - 1]), tonumber(ARGV[i * 4])
          local first, second, third, pending, since =
            string.match(held[KEYS[i]] or stored[i] or '', '^(%d+) (%d+) ?(%d*) ?(%d*) ?(%d*)$')
          if first then
            first, second, third = tonumber(first), tonumber(second), tonumber(third) or 0
            pending, since = math.max(0, (tonumber(pending) or 0) - amount), tonumber(since) or 0
            local life
            if kind == 'r' then
              local level = math.max(0, first - math.max(0, now - second) * 1000)
              local drained = math.max(0, math.max(0, now - stamp) * 1000 - context)
              first = math.max(0, level - math.max(0, amount - drained))
              second, life = now, first / 1000000
            elseif second == stamp then
              first, life = math.max(0, first - amount), context * 1000 - now / 1000
            end
            if life then
              local value = string.format('%.0f %.0f', first, second)
              if third > 0 or pending > 0 then value = value .. string.format(' %.0f', third) end
              if pending > 0 then value = value .. string.format(' %.0f %.0f', pending, since) end
              held[KEYS[i]] = value
              redis.call('SET', KEYS[i], value, 'PX', string.format('%.0f', math.max(1, math.ceil(life))))
            end
          end
        end
        return #KEYS
        """)
}

extension RESPCommand {
    /// What the script is told of a limit's kind.
    func add(_ limit: Limit, at wall: WallTime) {
        guard limit.algorithm != .rate else {
            add("r")
            return add(decimal: limit.emission)
        }
        let slides = limit.algorithm == .sliding
        if let length = limit.schedule.alignedLength {
            add(slides ? "W" : "w")
            return add(decimal: length)
        }
        let place = limit.schedule.place(at: wall)
        add(slides ? "C" : "c")
        let before = limit.schedule.place(at: place.start - 1).start
        add { text in
            for (index, bound) in [before, place.start, place.end, place.next].enumerated() {
                if index > 0 { text.append(byte: 0x20) }
                text.append(decimal: bound)
            }
        }
    }
}
