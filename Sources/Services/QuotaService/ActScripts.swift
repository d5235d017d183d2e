/// What Redis does with the list of acts: a hash, in which each act has a field, and two fields are `version` and `lineage`.
enum ActScripts {
    /// ARGV: the version and lineage that are known. Answers with those of the list, and with the list where they are others.
    static let read: StaticString = """
        local version = redis.call('HGET', KEYS[1], 'version') or '0'
        local lineage = redis.call('HGET', KEYS[1], 'lineage') or ''
        if ARGV[1] == version .. ' ' .. lineage then return {tonumber(version) or -1, lineage} end
        return {tonumber(version) or -1, lineage, redis.call('HGETALL', KEYS[1])}
        """

    /// ARGV: the second, how many acts and bytes there may be, the new lineage, `put` or `remove`; then a field and its value, or
    /// fields, which stand for all that begin with them and a colon. Answers with the version, and what has been replaced or removed; with
    /// -1 where there is no room. Acts that have ended go.
    static let change: StaticString = """
        local now, most, bytesMost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local all = redis.call('HGETALL', KEYS[1])
        local count, bytes, answer, gone = 0, 0, {0}, {}
        local function isMeant(field)
          if ARGV[5] == 'put' then return field == ARGV[6] end
          for i = 6, #ARGV do
            if field == ARGV[i] or string.sub(field, 1, #ARGV[i] + 1) == ARGV[i] .. ':' then return true end
          end
          return false
        end
        for i = 1, #all, 2 do
          local field, value = all[i], all[i + 1]
          if field ~= 'version' and field ~= 'lineage' then
            local isRead, act = pcall(cjson.decode, value)
            local ends = isRead and type(act) == 'table' and tonumber(act['until']) or 0
            if ends > 0 and ends <= now then
              gone[#gone + 1] = field
            elseif isMeant(field) then
              answer[#answer + 1] = value
              if ARGV[5] == 'remove' then gone[#gone + 1] = field end
            else
              count, bytes = count + 1, bytes + #field + #value
            end
          end
        end
        if ARGV[5] == 'put' then
          if count + 1 > most or bytes + #ARGV[6] + #ARGV[7] > bytesMost then return {-1} end
        end
        for i = 1, #gone do redis.call('HDEL', KEYS[1], gone[i]) end
        if ARGV[5] == 'put' then redis.call('HSET', KEYS[1], ARGV[6], ARGV[7]) end
        if ARGV[5] == 'remove' and #answer == 1 then
          answer[1] = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
          return answer
        end
        answer[1] = redis.call('HINCRBY', KEYS[1], 'version', 1)
        redis.call('HSET', KEYS[1], 'lineage', ARGV[4])
        return answer
        """

    /// The store has lost changes: ARGV has the version and lineage that a gateway knows, and its acts, one JSON object of fields and values.
    /// The gateway that knows most puts it back.
    static let restore: StaticString = """
        local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
        if version >= tonumber(ARGV[1]) then return 0 end
        redis.call('DEL', KEYS[1])
        for field, value in pairs(cjson.decode(ARGV[3])) do redis.call('HSET', KEYS[1], field, value) end
        redis.call('HSET', KEYS[1], 'version', ARGV[1], 'lineage', ARGV[2])
        return 1
        """
}
