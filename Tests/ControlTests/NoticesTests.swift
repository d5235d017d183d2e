import Testing

@testable import Control

@Suite("Notices")
struct NoticesTests {
    @Test("what a terminal would obey is written out")
    func printable() {
        #expect(Notices.printable("schema books: 7 services by grpc.reflection.v1") == "schema books: 7 services by grpc.reflection.v1")
        #expect(Notices.printable("a\0b\u{1b}[31mc\u{7f}\u{9b}") == "a\\u{0}b\\u{1b}[31mc\\u{7f}\\u{9b}")
        #expect(Notices.printable("é\tz\n") == "é\tz\n")
    }
}
