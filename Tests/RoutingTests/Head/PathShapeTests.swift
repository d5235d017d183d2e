import BytesTesting
import Random
import Testing

@testable import Routing

@Suite struct PathShapeTests {
    @Test(
        "a path that two readers could read differently is refused",
        arguments: [
            ("", .notAbsolute), ("*", .notAbsolute), ("a/b", .notAbsolute), ("http://a/", .notAbsolute), ("?a", .notAbsolute),
            ("//", .emptySegment), ("//evil.dev/a", .emptySegment), ("/a//b", .emptySegment), ("/a//", .emptySegment),
            ("/a//?q", .emptySegment),
            ("/.", .dotSegment), ("/..", .dotSegment), ("/./a", .dotSegment), ("/a/../b", .dotSegment), ("/a/..", .dotSegment),
            ("/a/.?q", .dotSegment), ("/a/%2e", .dotSegment), ("/a/%2E%2e/b", .dotSegment), ("/a/.%2e/b", .dotSegment),
            ("/a/%2e./b", .dotSegment), ("/a/%2e?q", .dotSegment),
            ("/a/..;/b", .dotSegment), ("/a/..;x=1", .dotSegment), ("/a/%2e%2e%3b/b", .dotSegment), ("/a/.;/b", .dotSegment),
            ("/a/..%2fb", .dotSegment), ("/a/%2e%2e%2Fb", .dotSegment), ("/a%2f../b", .dotSegment), ("/a%2f%2e%2e", .dotSegment),
            ("/a/b%2F..%2f..%2fc", .dotSegment),
            ("/a\\b", .backslash), ("/\\..\\b", .backslash), ("/a%5cb", .backslash), ("/a%5C..%5Cb", .backslash),
            ("/a%00", .nul), ("/a%00.json", .nul),
            ("/a%", .malformedEscape), ("/a%2", .malformedEscape), ("/a%2?f", .malformedEscape), ("/a%zz", .malformedEscape),
            ("/a%u002e", .malformedEscape), ("/%", .malformedEscape), ("/a/%2", .malformedEscape), ("/a%-1b", .malformedEscape),
            ("/%61/b", .needlessEscape), ("/a/%43reate", .needlessEscape), ("/a/b%5A", .needlessEscape),
            ("/a/%39", .needlessEscape),
            ("/a%2db", .needlessEscape), ("/a%5Fb", .needlessEscape), ("/a%7Eb", .needlessEscape), ("/a/%2e%2ea", .needlessEscape),
            ("/a b", .forbiddenByte), ("/a\tb", .forbiddenByte), ("/a\r\nb", .forbiddenByte), ("/a\u{0}b", .forbiddenByte),
            ("/a\u{7f}", .forbiddenByte), ("/ä", .forbiddenByte), ("/a#b", .forbiddenByte), ("/a?b#/../c", .forbiddenByte),
            ("/a?b c", .forbiddenByte), ("/a?\u{1}", .forbiddenByte), ("/a?ä", .forbiddenByte),
        ] as [(String, PathFault)])
    func refused(path: String, fault: PathFault) {
        #expect(PathShape.fault(in: path) == fault)
        #expect(TestRequest(path: path).fault == .path(fault))
    }

    @Test("a byte outside ASCII is refused even where it is no UTF-8", arguments: [0x80, 0xc0, 0xff] as [UInt8])
    func foreignByte(byte: UInt8) {
        let bytes: [UInt8] = [0x2f, byte]
        bytes.withUnsafeBytes { bytes in
            _ = #expect(throws: PathFault.forbiddenByte) { try PathShape(bytes) }
        }
    }

    @Test(
        "what only looks like an attack passes",
        arguments: [
            "/", "/...", "/a/...", "/.well-known/a", "/a/.b", "/a/..b", "/a/b.", "/a/b..", "/a..b",
            "/a%2fb", "/%2f", "/a%2f", "/a%20b", "/a%c3%a4", "/a%40b", "/a%5bb", "/a%60b", "/a%7bb", "/a%2cb", "/a%3ab", "/a?b=%61",
            "/a;b=1", "/a/b;..", "/a:verb", "/a/b/", "/a?x=../..&y=//", "/a?%",
            "/a!$&'()*+,;=:@-._~", "/a|b^c`{}\"<>[]",
        ])
    func passes(path: String) {
        #expect(PathShape.fault(in: path) == nil)
    }

    @Test(
        "service and method are the two parts of the path",
        arguments: [
            ("/acme.orders.v1.Orders/Create", "acme.orders.v1.Orders"), ("/A/b", "A"), ("/v1/orders", "v1"),
            ("/a-b.c_d/E-1", "a-b.c_d"),
            ("/grpc.health.v1.Health/Check", "grpc.health.v1.Health"),
        ])
    func rpc(path: String, service: String) {
        #expect(serviceCount(path) == service.utf8.count)
    }

    @Test(
        "a path of another shape is no RPC's",
        arguments: [
            "", "/", "//", "/a", "/a/", "//b", "/a/b/", "/a/b/c", "a/b", "a.B/c/d", "/a/b#c", "/a/b%20", "/a b/c", "*", "/../a",
            "/a/..",
            "/a\\b/c", "/a\0b/c", "/ä.B/c", "/a/b ",
        ])
    func otherShapes(path: String) {
        #expect(serviceCount(path) == 0)
    }

    private func serviceCount(_ path: String) -> Int {
        Array(path.utf8).withUnsafeBytes { (try? PathShape($0))?.serviceCount ?? 0 }
    }

    @Test("random paths are read without fault or with one, and never beyond their end")
    func random() {
        var generator = RandomGenerator(seed: 7)
        let alphabet = Array("/.%2eE5cCfF0;?\\ab".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            // An allocation of exactly this size, so that the address sanitizer sees a byte too far.
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            defer { memory.deallocate() }
            for index in 0..<count { memory[index] = alphabet.randomElement(using: &generator)! }
            if count > 0 { memory[0] = UInt8(ascii: "/") }
            guard let shape = try? PathShape(UnsafeRawBufferPointer(memory)) else { continue }
            let path = String(decoding: memory[..<shape.pathCount], as: UTF8.self)
            #expect(!path.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == "." || $0 == ".." }, "\(path)")
            #expect(!path.lowercased().contains("%2e") && !path.contains("%55"), "\(path)")
            #expect(!path.contains("//") && !path.contains("\\") && !path.contains("?"))
            let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            let isRPC = segments.count == 2 && segments.allSatisfy { !$0.isEmpty && !$0.contains("%") && !$0.contains(";") }
            #expect(shape.isAmbiguous == (path.contains("%") || path.contains(";")), "\(path)")
            #expect(shape.serviceCount == (isRPC ? segments.first!.utf8.count : 0), "\(path)")
        }
    }
}
