import Testing
import Transport

@testable import Calling

@Suite struct HeaderTextTests {
    @Test("a header is a name and a value, blanks around it left out")
    func good() throws {
        #expect(try HeaderText.read("X-Tenant:  acme corp ") == .init("x-tenant", "acme corp"))
        #expect(try HeaderText.read("x-empty:") == .init("x-empty", ""))
        #expect(try HeaderText.read("x-time: 10:30") == .init("x-time", "10:30"))
        #expect(try HeaderText.read("x-raw-bin: AP8=") == .init("x-raw-bin", "AP8="))
        #expect(try HeaderText.read("x-raw-bin: AP8") == .init("x-raw-bin", "AP8"))
    }

    @Test("what carries a secret is marked")
    func secrets() throws {
        #expect(try HeaderText.read("Authorization: Basic x").isSecret)
        #expect(try !HeaderText.read("x-tenant: acme").isSecret)
    }

    @Test(
        "what may not be sent is refused",
        arguments: [
            ("x-tenant", HeaderText.Mistake.noColon), (": x", .badName), ("a b: x", .badName), ("x\n: y", .badName),
            ("x: a\nb", .badValue),
            ("x: é", .badValue), ("x-bin: *", .notBase64), ("te: x", .ours), ("Content-Type: x", .ours),
            ("grpc-timeout: 1S", .ours),
        ])
    func bad(text: String, mistake: HeaderText.Mistake) {
        #expect(throws: mistake) { try HeaderText.read(text) }
    }

    @Test("a token is taken as files and copies have it")
    func tokens() {
        let wanted = ClientCallHead.Metadata("authorization", "Bearer a.b.c", isSecret: true)
        for text in ["a.b.c", " a.b.c\n", "Bearer a.b.c", "bearer  a.b.c\r\n"] { #expect(HeaderText.token(text) == wanted) }
        for text in ["", " \n", "Bearer ", "a b", "a\u{0}b", "é"] { #expect(HeaderText.token(text) == nil) }
    }
}
