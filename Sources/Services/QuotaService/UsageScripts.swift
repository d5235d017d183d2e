/// What Redis does with usage: a hash for each day and for each hour, whose keys are in one slot.
enum UsageScripts {
    /// KEYS: of the day and of the hour. ARGV: the process, a number that grows with each of its questions, how long the day and the hour
    /// are kept, in seconds; then fields and what is added to them. A question that is asked again, because its answer was lost, adds nothing.
    static let add: StaticString = """
        if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') >= tonumber(ARGV[2]) then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
        for i = 5, #ARGV, 2 do
          redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
          redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1])
        end
        redis.call('EXPIRE', KEYS[1], ARGV[3])
        redis.call('EXPIRE', KEYS[2], ARGV[4])
        return 1
        """
}
