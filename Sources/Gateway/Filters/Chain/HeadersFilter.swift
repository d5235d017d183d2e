internal import Bytes
internal import Calls
internal import GRPC
internal import GatewayModel
internal import HTTPModel
internal import Routing
internal import Snapshots

/// Rewrites the path, and changes the fields of requests and answers, as the route or the method says. Nothing behind it matches, judges or
/// counts by what it has made.
package enum HeadersFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        // A call that means an RPC by a schema goes to that RPC's own path.
        if !call.isTranscoded {
            let query = query(of: call)
            let stream = call.stream
            if let rewrite = call.policy.rewrite, rewrite.path != nil {
                let rewritten = call.route { route in
                    call.withText { Rewriting.target(call.facts, route.match.targets, rewrite, query, by: &$0, in: &stream.fields) }
                }
                guard let target = rewritten else { return call.refuse(.badPath) }
                call.rewrite(target: target)
            } else if query.count != call.facts.query.count, !call.isConverted {
                call.rewrite(target: Rewriting.target(call.facts.path, query, in: &stream.fields))
            }
        }
        if let rules = call.policy.requestHeaders { rules { call.addFields(fields($0, CallText(call), for: call)) } }
        if call.policy.responseHeaders != nil { call.seeAnswer(.headers) }
        return .proceed
    }

    /// The call goes to another cluster than when it came through here.
    package static func clusterChanged(_ call: CallView) {
        guard let rules = call.policy.requestHeaders, rules({ $0.namesCluster }) else { return }
        rules { call.addFields(fields($0, CallText(call), for: call)) }
    }

    /// What of the caller's query goes upstream. What Connect has in it is the message.
    private static func query(of call: CallView) -> BorrowedBytes {
        guard !call.isConverted else { return BorrowedBytes.none }
        guard call.policy.narrowsQuery, call.caller == .http, let rules = call.policy.query else { return call.facts.query }
        return Rewriting.query(call.facts.query, rules, in: &call.stream.fields)
    }

    /// What the rules set and add, in their order, in the arena of the caller's stream.
    private static func fields(_ rules: HeaderRules, _ text: CallText, for call: CallView) -> FieldList {
        let fields = call.stream.fields.reserveFields(rules.rules.count)
        var count = 0
        call.withText { value in
            for rule in rules.rules {
                value.removeAll()
                // One with a variable that the call has no value of is not sent.
                guard text.append(rule.value, to: &value) else { continue }
                // Where a variable had nothing to say, a blank of the text around it may be at an end, and strict peers refuse that (RFC
                // 9113, section 8.2.1).
                let bytes = trimmed(value.readable)
                fields[count] = rule.name.withUnsafeBytes { name in
                    call.stream.fields.keepField(
                        name: name, value: bytes, token: rule.token,
                        // It may be a credential: never into a table that other tenants' requests share (RFC 7541, section 7.1.3).
                        flags: .borrowedNeverIndexed)
                }
                count += 1
            }
        }
        return FieldList(rebasing: fields[..<count])
    }

    private static func trimmed(_ value: BorrowedBytes) -> BorrowedBytes {
        var (start, end) = (0, value.count)
        while start < end, value[start] == 0x20 { start += 1 }
        while start < end, value[end - 1] == 0x20 { end -= 1 }
        return BorrowedBytes(rebasing: value[start..<end])
    }

    // MARK: Answers

    /// - Parameter isFinal: what is replaced or removed of it goes later, by `answer`.
    static func drops(_ field: Field, _ call: Record<Call>, isFinal: Bool) -> Bool {
        guard let rules = call.policy.responseHeaders else { return false }
        return rules { isFinal ? $0.leavesOut(field) : $0.dropsOfPeer(field) }
    }

    static func answer(_ call: CallView, _ answer: inout FieldWriter) {
        guard let rules = call.policy.responseHeaders else { return }
        rules { rules in
            let added = fields(rules, CallText(call, answer: answer.written), for: call)
            // Of an answer of our own.
            answer.removeAll { rules.drops($0) }
            for field in added { answer.put(field) }
        }
    }
}
