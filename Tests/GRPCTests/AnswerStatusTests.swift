import HTTPModel
import Testing

@testable import GRPC

@Suite("What an answer says of its call's end")
struct AnswerStatusTests {
    private func read(_ fields: [(String, String)], from start: Int = 0) -> (AnswerStatus, String, Int) {
        var block = FieldBlock()
        defer { block.destroy() }
        for (name, value) in fields { block.append(name, value) }
        let status = AnswerStatus(block, from: start)
        let text = AnswerStatus.describe(block, from: start)
        AnswerStatus.removeRepeats(in: &block, from: start)
        return (status, text, block.count)
    }

    @Test("a code is a code, wherever it stands", arguments: StatusCode.allCases)
    func codes(code: StatusCode) {
        let (status, _, _) = read([("a", "b"), ("grpc-status", code.digits.text), ("grpc-message", "x")])
        #expect(status.code == code && !status.isMalformed && !status.isRepeated)
    }

    @Test("nothing is nothing, and what stands before is of another section")
    func missing() {
        #expect(read([]).0.code == nil && read([("grpc-status", "5")], from: 1).0.code == nil)
        #expect(read([("grpc-status", "5"), ("grpc-status", "0")], from: 1).0.code == .ok)
    }

    @Test(
        "what is no code is UNKNOWN, and said",
        arguments: [
            ("-1", "\"-1\""), ("", "empty"), ("17", "\"17\""), ("99999999999999999999", "\"99999999999999999999\""),
            ("18446744073709551616", "\"18446744073709551616\""), ("+0", "\"+0\""), ("0 ", "\"0 \""), ("0x0", "\"0x0\""),
            ("00", "\"00\""), ("05", "\"05\""), ("010", "\"010\""), ("000", "\"000\""),
            ("0, 13", "\"0, 13\""), ("0\u{7}", "\"0?\""), ("OK", "\"OK\""),
            (String(repeating: "9", count: 49), "\"" + String(repeating: "9", count: 48) + "...\""),
        ])
    func malformed(value: String, found: String) {
        let (status, text, _) = read([("grpc-status", value)])
        #expect(status.code == .unknown && status.isMalformed)
        #expect(text == found)
    }

    @Test(
        "the same twice is once, and two that differ are malformed",
        arguments: [
            (["0", "0"], StatusCode.ok, false), (["5", "5", "5"], .notFound, false), (["0", "13"], .unknown, true),
            (["13", "0"], .unknown, true), (["0", ""], .unknown, true), (["x", "2"], .unknown, true), (["2", "x"], .unknown, true),
            (["0", "0", "1"], .unknown, true), (["5", "05"], .unknown, true), (["00", "0"], .unknown, true),
        ])
    func several(values: [String], code: StatusCode, isMalformed: Bool) {
        let (status, text, count) = read(values.map { ("grpc-status", $0) } + [("grpc-message", "m")])
        #expect(status.code == code && status.isMalformed == isMalformed && status.isRepeated)
        #expect(text.hasSuffix(", with the message \"m\"") && text.contains(" and ") && count == 2)
    }
}
