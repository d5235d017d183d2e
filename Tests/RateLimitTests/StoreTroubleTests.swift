import Testing

@testable import RateLimit

@Suite struct StoreTroubleTests {
    @Test(
        "a server's words are told by one line, of a bounded length, without what could change a log",
        arguments: [
            ("ERR no\r\nforged line", "ERR no"), ("ERR \u{1b}[31mred\u{7}\t\u{7f}", "ERR ?[31mred???"), ("", "an error"),
            ("NOPERM the \"evalsha\" command", "NOPERM the 'evalsha' command"),
            ("ERR unknown command 'EVAL', with args beginning with: 'acme'", "ERR unknown command 'EVAL'"),
            (String(repeating: "x", count: 5000), String(repeating: "x", count: StoreTrouble.lineCharactersMax)),
        ])
    func line(words: String, expected: String) { #expect(StoreTrouble.line(of: words) == expected) }
}
