import BytesTesting
import HTTPModel
import Testing

@testable import AccessControl

@Suite struct CredentialsTests {
    /// What a head with these values of Authorization comes to, as a word.
    static func word(_ values: [String], behind trailers: [String] = []) -> String {
        var fields = FieldBlock()
        defer { fields.destroy() }
        for value in values { fields.append("authorization", value) }
        let headCount = fields.count
        for value in trailers { fields.append("authorization", value) }
        return switch Credentials(fields, headCount: headCount) {
        case .none: "none"
        case .otherScheme: "other"
        case .bearer(let token): "bearer \(token.text)"
        case .ambiguous: "ambiguous"
        }
    }

    @Test(
        "one value is a bearer token, another scheme's, or could be read as either",
        arguments: [
            ("Bearer a.b.c", "bearer a.b.c"), ("bearer a", "bearer a"), ("BEARER   a", "bearer a"), ("Bearer\ta", "bearer a"),
            ("  Bearer a", "bearer a"), ("\tBearer \t a", "bearer a"), ("Bearer", "bearer "), ("Bearer ", "bearer "),
            ("Bearer\t", "bearer "),
            ("Bearer=a", "bearer =a"), ("Bearer:a", "bearer :a"), ("Bearer a, Basic b", "bearer a, Basic b"),
            ("Bearer,a", "bearer ,a"),
            ("Bearer\u{a0}a", "bearer \u{a0}a"),
            ("", "none"), ("  ", "none"), ("\t", "none"),
            ("Basic dXNlcjpwYXNz", "other"), ("Basic", "other"), ("Digest username=\"x\", realm=\"y\"", "other"),
            ("Bearertoken a", "other"),
            ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host", "other"), ("Forbearer a", "other"), ("Basic bearers", "other"),
            ("Basic x, Bearer bad", "ambiguous"), ("Basic x,Bearer bad", "ambiguous"), ("Basic x,\tbEaReR bad", "ambiguous"),
            (",Bearer bad", "ambiguous"), (", Bearer bad", "ambiguous"), ("Basic x; Bearer bad", "ambiguous"),
            ("Basic x Bearer bad", "ambiguous"),
            ("\"Bearer bad\"", "ambiguous"), ("Basic Bearer", "ambiguous"), ("=Bearer bad", "ambiguous"),
            ("Basic x\tBearer\tbad", "ambiguous"),
        ])
    func one(value: String, expected: String) { #expect(Self.word([value]) == expected) }

    @Test(
        "two fields are refused whatever they hold, whatever their order",
        arguments: [
            ["Basic x", "Bearer bad"], ["Bearer bad", "Basic x"], ["", "Bearer bad"], ["Bearer bad", ""], ["", ""],
            ["Basic x", "Basic x"],
            ["Bearer a", "Bearer a"], ["Basic a", "Basic b", "Bearer c"],
        ])
    func two(values: [String]) { #expect(Self.word(values) == "ambiguous") }

    @Test("none is none, and trailers are not looked at")
    func none() {
        #expect(Self.word([]) == "none")
        #expect(Self.word(["Bearer a"], behind: ["Bearer b"]) == "bearer a")
        #expect(Self.word([], behind: ["Bearer b"]) == "none")
    }
}
