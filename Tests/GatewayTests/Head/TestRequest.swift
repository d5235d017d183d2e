import HTTPModel

@testable import Gateway

/// A request's fields, kept for as long as the test looks at them.
final class TestRequest {
    var fields = FieldBlock()

    init(_ pairs: [(String, String)]) {
        for (name, value) in pairs { fields.append(name, value) }
    }

    convenience init(path: String, authority: String? = "api.acme.dev", _ headers: [(String, String)] = []) {
        var pairs = [(":method", "POST"), (":scheme", "https"), (":path", path)]
        if let authority { pairs.append((":authority", authority)) }
        self.init(pairs + headers)
    }

    deinit { fields.destroy() }

    func head() throws(HeadFacts.Fault) -> HeadFacts { try HeadFacts(&fields, HeadCache()) }

    /// What is wrong with the head, `nil` where nothing is.
    var fault: HeadFacts.Fault? {
        do throws(HeadFacts.Fault) {
            _ = try head()
            return nil
        } catch {
            return error
        }
    }
}

extension UnsafeRawBufferPointer {
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// A small generator with a seed, so that a failure can be repeated (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
