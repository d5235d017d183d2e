import HTTPModel

@testable import Routing

/// A request's fields, kept for as long as the test looks at them.
final class TestRequest {
    var fields = FieldBlock()

    init(_ pairs: [(String, String)]) {
        for (name, value) in pairs { fields.append(name, value) }
    }

    convenience init(
        _ method: String = "POST", path: String, authority: String? = "api.acme.dev", _ headers: [(String, String)] = []
    ) {
        var pairs = [(":method", method), (":scheme", "https"), (":path", path)]
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
