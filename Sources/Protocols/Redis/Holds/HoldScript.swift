internal import Crypto

/// Says what one holder holds of counters: after it has released some, and now and then, so that it counts as living.
///
/// KEYS are the counters. ARGV has the holder's name, how long it counts as living from now on in ms, and two words a counter: how many to
/// take off, and how many it holds at least. The answer has two integers a counter: what the holder holds now, and all holders. A value is
/// two numbers that are not the script's, and then `NAME COUNT UNTIL-ms` of each holder; who has not been heard of until then is dead.
/// It is written with its time to live.
package enum HoldScript {
    package static let text =
        """
        local time = redis.call('TIME')
        local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
        local stored = redis.call('MGET', unpack(KEYS))
        local name, life = ARGV[1], tonumber(ARGV[2])
        local answer = {}
        for i = 1, #KEYS do
          local take, least = tonumber(ARGV[i * 2 + 1]), tonumber(ARGV[i * 2 + 2])
          local own, others, longest, holders = 0, 0, 1, {}
          local text = stored[i] or '0 0'
          for holder, count, till in string.gmatch(text, '(%a%w*) (%d+) (%d+)') do
            count, till = tonumber(count), tonumber(till)
            if holder == name then
              own = count
            elseif till > now_ms and till - now_ms <= 60000 then
              others, longest = others + count, math.max(longest, till - now_ms)
              holders[#holders + 1] = string.format('%s %.0f %.0f', holder, count, till)
            end
          end
          own = math.max(own - take, least)
          if own > 0 then
            longest = math.max(longest, life)
            holders[#holders + 1] = string.format('%s %.0f %.0f', name, own, now_ms + life)
          end
          if stored[i] or own > 0 then
            text = (string.match(text, '^%d+ %d+') or '0 0') .. ' ' .. table.concat(holders, ' ')
            redis.call('SET', KEYS[i], text, 'PX', string.format('%.0f', math.max(1, longest)))
          end
          answer[i * 2 - 1], answer[i * 2] = own, others + own
        end
        return answer
        """

    /// What EVALSHA calls it.
    static let name = ScriptDigest.name(of: text)
}
