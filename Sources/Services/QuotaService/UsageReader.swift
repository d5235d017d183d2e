internal import Bytes
internal import Quotas
internal import Redis

/// Reads usage in the store, a part of a hash at a time: any number of tenants, and no server is held up by them.
enum UsageReader {
    struct Page {
        var sums: [(key: UsageKey, hits: UInt64)] = []
        /// `0` at the end.
        var cursor: String
    }

    private static let partMax = 500

    /// One part of the hash `key`, from `cursor` on, which is `0` at first.
    static func page(
        of key: String, from cursor: String, in sender: any RedisSender, _ body: @escaping (Result<Page, QuotaFailure>) -> Void
    ) {
        let command = RESPCommand()
        command.add("HSCAN")
        command.add(key)
        command.add(cursor)
        command.add("COUNT")
        command.add(decimal: UInt64(partMax))
        RedisQuestion.ask(sender, command, key: key) { result in
            switch result {
            case .failure(let failure): body(.failure(failure))
            case .success(let reply):
                guard reply.kind == .array, let cursor = reply.first, let entries = cursor.next, entries.kind == .array,
                    isCursor(cursor.text)
                else { return body(.failure(.unavailable("it answers what is no part of a hash"))) }
                var page = Page(cursor: cursor.text)
                var element = entries.first
                while let field = element, let value = field.next {
                    // Numbers of processes stand between them, and whatever else has been put there.
                    if let key = UsageKey(field: field.text), let hits = hits(value) { page.sums.append((key, hits)) }
                    element = value.next
                }
                body(.success(page))
            }
        }
    }

    /// All of a hash, up to `fieldsMax`; and whether there is more.
    static func all(
        of key: String, fieldsMax: Int, in sender: any RedisSender,
        _ body: @escaping (Result<(sums: [UsageKey: UInt64], isCut: Bool), QuotaFailure>) -> Void
    ) {
        var sums: [UsageKey: UInt64] = [:]
        func next(_ cursor: String) {
            page(of: key, from: cursor, in: sender) { result in
                switch result {
                case .failure(let failure): body(.failure(failure))
                case .success(let page):
                    // The same field may come twice.
                    for (key, hits) in page.sums { sums[key] = hits }
                    if page.cursor == "0" || sums.count >= fieldsMax { return body(.success((sums, page.cursor != "0"))) }
                    next(page.cursor)
                }
            }
        }
        next("0")
    }

    static func isCursor(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 20 && text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    }

    private static func hits(_ value: RedisReply) -> UInt64? {
        value.bytes.count <= 20 ? UInt64(String(decoding: value.bytes, as: UTF8.self)) : nil
    }
}
