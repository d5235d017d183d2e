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
///     n HOLDER   CAPACITY HITS MODE      calls in flight; "NAME LIFE-ms LEAST" of who asks, and holds LEAST already (`RedisHolds`)
///
/// `W` and `C` are sliding windows. Bounds come from the gateway's clock: the window before, the present one and the next, so that clocks
/// may differ by as much. MODE is 0 where the limit is enforced, 1 for a shadow limit, and 2 where it is charged whatever its level, up to a debt
/// of `CounterState.levelMax` or `CounterState.hitsMax`. After them may come one word, and one more a counter:
///
///     p | TERM | -        the charge is provisional | for how long leases are taken, in µs | neither
///     "" | ID LEASE TOTAL ACKNOWLEDGED LEFT HELD END LEVEL STAMP        `CounterNote`: what the worker ID has to say of the counter
///
/// A charge is provisional where the counters are only some of the call's, the others being on other servers of a cluster: it may be
/// given back (`RedisScript.giveBack`).
///
/// The answer is `[mark, now in µs, then three integers a counter as it was before the call]`: a rate's level in nanoseconds and zeros, or a
/// window's hits, its end in seconds, and the hits of the window before, where it slides. From these `CounterState` makes the verdicts, so
/// that what is said is worked out in one place, whichever store counted. The mark is 1 if charged, 0 if refused, 2 if refused only because of
/// provisional charges of the last tenth of a second, which may be given back in a moment, and 3 if refused only because of leases. Where there are
/// notes or leases, two more integers a counter follow: the hits leased by this call, and how much all workers have leased together. With the mark 3
/// the last integer says when the longest lease ends, in µs from now.
///
/// A counter's value is integers: `LEVEL LAST-µs` or `HITS END-s`; then the hits of the window before, where it slides; then, where a
/// provisional charge was made, how much of the first is provisional, and since when, in µs: the first of these charges decides, and a
/// tenth of a second later none is provisional any more; then, for each worker with a lease, `ID:AMOUNT:UNTIL-µs:TOTAL`, up to 32: how much of
/// the first it has leased, until when it may use that, and its `CounterNote.total`, so that a note that comes twice counts once. What is leased does not
/// drain from a rate, as it may be used at any time. A lease that is over counts as used, until its worker says what was. Last, where a
/// worker has said where the counter stood on a server that was lost, `mBASE:SINCE-µs`: where this server took it up, and when; who knows
/// of more raises it by the difference, so that what was counted here meanwhile stays. Of calls in
/// flight a value is how many of them are provisional, since when, and then `NAME COUNT UNTIL-ms` of each holder: one that has not been heard of
/// until then is dead, and its calls count no more. A value is written with its time to live, so that none is ever left behind. All numbers are whole and below 2⁵³; `%.0f` writes them all out, where Lua's own
/// conversion would keep 14 digits. Time is the server's, and may go back as `CounterState` allows. Needs Redis 5, which replicates what a
/// script did and not the script.
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
        local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
        local counters, answer = {}, {1, now}
        local allowed, passing, leasing, wait = true, true, true, 0
        local term = ARGV[#KEYS * 5 + 1]

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
          local left = min(max(finish * 1000 - floor(now / 1000), 0), length)
          return ceil(previous * ceil(left * 65536 / length) / 65536)
        end

        local function leases(c, words)
          c.leases, c.sum, c.leased, c.expires = {}, 0, 0, 0
          for id, amount, expires, total in string.gmatch(words, '(%x+):(%d+):(%d+):(%d+)') do
            local lease = {id = id, amount = tonumber(amount), expires = tonumber(expires), total = tonumber(total)}
            if not c.rate or now < lease.expires then c.leases[#c.leases + 1] = lease end
          end
        end

        local function sum(c)
          c.sum, c.leased, c.expires = 0, 0, now
          for _, lease in ipairs(c.leases) do
            c.sum = c.sum + lease.amount
            if now < lease.expires then
              c.leased, c.expires = c.leased + lease.amount, max(c.expires, lease.expires)
            end
          end
        end

        local function own(c, id, total)
          local over
          for at, lease in ipairs(c.leases) do
            if lease.id == id then return lease end
            if now >= lease.expires then over = at end
          end
          if #c.leases >= 32 then
            if not over then return nil end
            table.remove(c.leases, over)
          end
          local lease = {id = id, amount = 0, expires = now, total = total}
          c.leases[#c.leases + 1] = lease
          return lease
        end

        local function note(i, c)
          local id, lease, total, acknowledged, left, held, finish, level, stamp = string.match(
            ARGV[#KEYS * 5 + 1 + i] or '', '^(%x+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
          if not id then return end
          level, stamp, total, left = tonumber(level), tonumber(stamp), tonumber(total), tonumber(left)
          local before, counted, is_known = tonumber(held) * c.unit, tonumber(acknowledged), false
          for _, other in ipairs(c.leases) do
            if other.id == id then before, counted, is_known = other.amount, max(counted, other.total), true end
          end
          local spent = max(0, total - counted)
          if c.rate then
            c.first = max(c.first, max(0, level - max(0, now - stamp) * 1000) + c.sum)
          elseif tonumber(finish) ~= c.second then
            before, spent, left = 0, 0, 0
          elseif level > 0 then
            if stamp > c.taken then c.base, c.taken = c.first - c.sum, now end
            if level > c.base then c.first, c.base = c.first + level - c.base, level end
          end
          local after = (spent + left) * c.unit
          c.first = max(0, c.first + (c.rate and not is_known and max(0, after - before) or after - before))
          c.id, c.lease, c.changed = id, tonumber(lease), true
          local mine = own(c, id, total)
          if mine then
            mine.amount, mine.total = left * c.unit, total
            if left > 0 and mine.expires <= now then mine.expires = now + tonumber(term) end
            if left == 0 and c.lease == 0 then
              for at, other in ipairs(c.leases) do if other == mine then table.remove(c.leases, at) break end end
            end
          end
          sum(c)
        end

        local function in_flight(spec, text)
          local name, life, own = string.match(spec, '^(%w+) (%d+) (%d+)$')
          local pending, since = string.match(text, '^(%d+) (%d+)')
          local c = {
            name = name, life = tonumber(life), own = tonumber(own), holders = {}, unit = 1, weight = 0, added = 0, lease = 0,
            leases = {}, sum = 0, leased = 0, expires = 0, pending = tonumber(pending) or 0, since = tonumber(since) or 0,
            second = 0, third = 0, base = 0, taken = 0}
          if now - c.since > 100000 then c.pending = 0 end
          local others, now_ms = 0, floor(now / 1000)
          c.ends, c.longest = now_ms + c.life, c.life
          for holder, count, till in string.gmatch(text, '(%a%w*) (%d+) (%d+)') do
            count, till = tonumber(count), tonumber(till)
            if holder == name then
              c.own = max(c.own, count)
            elseif till > now_ms and till - now_ms <= 60000 then
              others, c.longest = others + count, max(c.longest, till - now_ms)
              c.holders[#c.holders + 1] = string.format('%s %.0f %.0f', holder, count, till)
            end
          end
          c.first = others + c.own
          return c
        end

        local function counter(i)
          local key = KEYS[i]
          if counters[key] then return counters[key] end
          local kind, spec = ARGV[i * 5 - 4], ARGV[i * 5 - 3]
          if kind == 'n' then
            counters[key] = in_flight(spec, stored[i] or '')
            return counters[key]
          end
          local first, second, third, pending, since, words =
            string.match(stored[i] or '', '^(%d+) (%d+) ?(%d*) ?(%d*) ?(%d*)(.*)$')
          first, second, third = tonumber(first), tonumber(second), tonumber(third) or 0
          local c = {
            rate = kind == 'r', unit = 1, weight = 0, added = 0, lease = 0, pending = tonumber(pending) or 0,
            since = tonumber(since) or 0, base = 0, taken = 0}
          if now - c.since > 100000 then c.pending = 0 end
          leases(c, words or '')
          sum(c)
          local base, taken = string.match(words or '', ' m(%d+):(%d+)')
          if base then c.base, c.taken = tonumber(base), tonumber(taken) end
          if c.rate then
            c.unit, c.second, c.third = tonumber(spec), now, 0
            c.first = first and max(0, first - max(0, now - second) * 1000, c.leased) or 0
          else
            local slides = kind == 'W' or kind == 'C'
            local start, finish, next = window_of(kind, spec)
            local used, previous = 0, 0
            if first and second == finish then
              used, previous = first, third
            elseif first and second > finish and second - finish <= max(next - finish, finish - start) then
              start, finish, next = finish, second, second + (second - finish)
              used, previous = first, third
            else
              if first and second == start then previous = first end
              c.pending, c.base, c.taken = 0, 0, 0
              leases(c, '')
            end
            if not slides then previous = 0 end
            c.first, c.second, c.third, c.ends = used, finish, previous, slides and next or finish
            if previous > 0 then c.weight = carried(start, finish, previous) end
          end
          note(i, c)
          counters[key] = c
          return c
        end

        local function room(c, i) return tonumber(ARGV[i * 5 - 2]) * c.unit - c.first - c.added - c.weight end

        local function check(i)
          local c, capacity, hits = counter(i), tonumber(ARGV[i * 5 - 2]), tonumber(ARGV[i * 5 - 1])
          answer[i * 3], answer[i * 3 + 1], answer[i * 3 + 2] = c.first + c.added, c.rate and 0 or c.second, c.third
          local wanted = ARGV[i * 5] == '2' and hits or max(hits, 1)
          local short = wanted * c.unit - room(c, i)
          local passing = wanted <= capacity and (not c.name or #c.holders < 255)
          local fits = passing and short <= 0
          return fits, hits * c.unit, passing and short <= c.pending, passing and short <= c.pending + c.leased
        end

        for i = 1, #KEYS do
          if ARGV[i * 5] == '0' then
            local fits, charge, without_pending, without_leased = check(i)
            if fits then
              counters[KEYS[i]].added = counters[KEYS[i]].added + charge
            else
              allowed, passing, leasing = false, passing and without_pending, leasing and without_leased
              if without_leased then wait = max(wait, counters[KEYS[i]].expires - now) end
            end
          end
        end
        if not allowed then for _, c in pairs(counters) do c.added = 0 end end
        local provisional, notes, answers = term == 'p', #ARGV > #KEYS * 5 + 1, {}
        for i = 1, #KEYS do
          local c, takes = counters[KEYS[i]], allowed
          if ARGV[i * 5] ~= '0' then
            local fits, charge = check(i)
            c, takes = counters[KEYS[i]], allowed and fits
            if takes or ARGV[i * 5] == '2' then c.added = c.added + charge end
          end
          local leased, mine = 0, c.lease > 0 and own(c, c.id, 0)
          if mine then
            leased = takes and max(0, min(c.lease, floor(room(c, i) / c.unit / 8))) or 0
            c.added, mine.amount = c.added + leased * c.unit, mine.amount + leased * c.unit
            if leased > 0 then mine.expires = now + tonumber(term) end
            c.lease = 0
            sum(c)
          end
          answers[i * 2 - 1], answers[i * 2] = leased, c.sum
          if c.sum > 0 then notes = true end
        end
        if notes then for at, number in ipairs(answers) do answer[#KEYS * 3 + 2 + at] = number end end
        for key, c in pairs(counters) do
          if provisional and c.added > 0 then
            c.since = c.pending > 0 and c.since or now
            c.pending = c.pending + c.added
          end
          if c.name and c.added > 0 then
            c.holders[#c.holders + 1] = string.format('%s %.0f %.0f', c.name, c.own + c.added, c.ends)
            local value = string.format('%.0f %.0f ', c.pending, c.since) .. table.concat(c.holders, ' ')
            redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, c.longest)))
          elseif c.added > 0 or c.changed then
            local first = min(c.first + c.added, c.rate and 7776000000000000 or 68719476735)
            local value = string.format('%.0f %.0f', first, c.second)
            if c.pending > 0 or #c.leases > 0 or c.taken > 0 then
              value = value .. string.format(' %.0f %.0f %.0f', c.third, c.pending, c.since)
            elseif c.third > 0 then
              value = value .. string.format(' %.0f', c.third)
            end
            local life = c.rate and ceil(first / 1000000) or ceil(c.ends * 1000 - now / 1000)
            for _, lease in ipairs(c.leases) do
              value = value .. string.format(' %s:%.0f:%.0f:%.0f', lease.id, lease.amount, lease.expires, lease.total)
            end
            if c.taken > 0 then value = value .. string.format(' m%.0f:%.0f', c.base, c.taken) end
            if c.rate and c.leased > 0 then life = max(life, ceil((c.expires - now) / 1000)) end
            redis.call('SET', key, value, 'PX', string.format('%.0f', math.max(1, life)))
          end
        end
        if not allowed then answer[1] = passing and 2 or leasing and 3 or 0 end
        if answer[1] == 3 then answer[#answer + 1] = wait end
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
          local first, second, third, pending, since, leases =
            string.match(held[KEYS[i]] or stored[i] or '', '^(%d+) (%d+) ?(%d*) ?(%d*) ?(%d*)(.*)$')
          if first then
            first, second, third = tonumber(first), tonumber(second), tonumber(third) or 0
            pending, since = math.max(0, (tonumber(pending) or 0) - amount), tonumber(since) or 0
            local leased, expires = 0, now
            for amount, finish in string.gmatch(leases, ':(%d+):(%d+):') do
              if now < tonumber(finish) then leased, expires = leased + tonumber(amount), math.max(expires, tonumber(finish)) end
            end
            local life
            if kind == 'r' then
              local level = math.max(0, first - math.max(0, now - second) * 1000, leased)
              local drained = math.max(0, math.max(0, now - stamp) * 1000 - context)
              first = math.max(0, level - math.max(0, amount - drained))
              second, life = now, first / 1000000
              if leased > 0 then life = math.max(life, (expires - now) / 1000) end
            elseif second == stamp then
              first, life = math.max(0, first - amount), context * 1000 - now / 1000
            end
            if life then
              local value = string.format('%.0f %.0f', first, second)
              if third > 0 or pending > 0 or leases ~= '' then value = value .. string.format(' %.0f', third) end
              if pending > 0 or leases ~= '' then value = value .. string.format(' %.0f %.0f', pending, since) end
              value = value .. leases
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
        if limit.algorithm == .concurrency {
            add("n")
            return add("nobody 1 0")
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
