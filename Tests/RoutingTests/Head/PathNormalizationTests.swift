import BytesTesting
import HTTPModel
import Random
import Testing

@testable import Routing

@Suite struct PathNormalizationTests {
    private static func normalized(_ target: String) -> String {
        let bytes = Array(target.utf8).withUnsafeBytes { PathNormalization.normalized($0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(
        "empty segments and needless escapes are taken out, and nothing else",
        arguments: [
            ("//", "/"), ("/a//b", "/a/b"), ("//a///b//", "/a/b/"), ("/%61%2D%2e%5F%7e/b", "/a-._~/b"), ("/%41%5a%30%39", "/AZ09"),
            ("/a%20b", "/a%20b"), ("/a%2Fb", "/a%2Fb"), ("/%2561", "/%2561"), ("/a//b?c=//d%61", "/a/b?c=//d%61"), ("/a?", "/a?"),
            ("/a//?b", "/a/?b"), ("/;//x", "/;/x"), ("/%%36%31", "/%61"),
        ])
    func paths(sent: String, normal: String) {
        #expect(Self.normalized(sent) == normal)
    }

    @Test(
        "what is still refused afterwards",
        arguments: [
            ("//../a", .dotSegment), ("/a//.", .dotSegment), ("/%2e%2E/a", .dotSegment), ("/a/%2e/b", .dotSegment),
            ("//a/..;x", .dotSegment),
            ("//%2e%2e%2fa", .dotSegment), ("//a%5Cb", .backslash), ("//a\\b", .backslash), ("//a%00", .nul),
            ("//a%", .malformedEscape),
            ("//%%36%31", .needlessEscape), ("//a b", .forbiddenByte), ("a//b", .notAbsolute),
        ] as [(String, PathFault)])
    func refused(sent: String, fault: PathFault) {
        #expect(PathShape.fault(in: Self.normalized(sent)) == fault)
    }

    @Test(
        "an escaped slash is seen in any spelling",
        arguments: [("/a%2Fb", true), ("/a%2fb", true), ("/a%252Fb", false), ("/a%2", false)])
    func escapedSlash(path: String, isThere: Bool) {
        #expect(Array(path.utf8).withUnsafeBytes { PathNormalization.hasEscapedSlash($0) } == isThere)
    }

    @Test("what is accepted afterwards is normal, and what was accepted before stays as it is", arguments: 0..<20)
    func again(round: UInt64) {
        var generator = RandomGenerator(seed: round)
        let pieces = ["/", "//", "a", "%61", "%2F", "%2e", ".", "..", "%25", ";", "?", "%20", "%", "\\", "b"]
        for _ in 0..<500 {
            let target =
                "/" + (0..<Int.random(in: 0..<8, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
            let normal = Self.normalized(target)
            if PathShape.fault(in: target) == nil { #expect(normal == target) }
            if PathShape.fault(in: normal) == nil { #expect(Self.normalized(normal) == normal, "\(target)") }
        }
    }
}
