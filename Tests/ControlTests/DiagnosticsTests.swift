import Testing

@testable import Control

@Suite("Diagnostics")
struct DiagnosticsTests {
    @Test("what a terminal would obey is written out")
    func printable() {
        #expect(
            Diagnostics.printable("schema books: 7 services by grpc.reflection.v1")
                == "schema books: 7 services by grpc.reflection.v1")
        #expect(Diagnostics.printable("a\0b\u{1b}[31mc\u{7f}\u{9b}") == "a\\u{0}b\\u{1b}[31mc\\u{7f}\\u{9b}")
        #expect(Diagnostics.printable("é\tz\n") == "é\tz\n")
    }
}
