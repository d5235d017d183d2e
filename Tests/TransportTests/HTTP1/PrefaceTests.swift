import Testing

@testable import Transport

@Suite("The first bytes of a connection")
struct PrefaceTests {
    static let text = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    @Test("HTTP/2's preface is known in pieces of any size", arguments: [1, 5, 24])
    func preface(step: Int) {
        var preface = Preface()
        var verdict = Preface.Verdict.needsMore
        for start in stride(from: 0, to: 24, by: step) {
            #expect(verdict == .needsMore)
            #expect(preface.matched == start)
            verdict = Self.text[start..<min(24, start + step)].withUnsafeBytes { preface.match($0) }
        }
        #expect(verdict == .isHTTP2)
        #expect(Preface.prefix(24).elementsEqual(Self.text))
    }

    @Test("anything else is told at its first byte that differs", arguments: 0..<24)
    func other(place: Int) {
        var preface = Preface()
        var bytes = Self.text
        bytes[place] ^= 1
        let before = bytes[..<place].withUnsafeBytes { preface.match($0) }
        #expect(before == .needsMore)
        let verdict = bytes[place...place].withUnsafeBytes { preface.match($0) }
        #expect(verdict == .isOther)
    }
}
