import Bytes
import Testing

@testable import QuotaService

@Suite("Pages about quotas")
struct QuotaPagesTests {
    private func json(_ query: String) -> String {
        Array(query.utf8).withUnsafeBytes { String(decoding: QuotaPages.json($0), as: UTF8.self) }
    }

    @Test("query parameters are a message's fields, and those below keys a map's")
    func queries() {
        #expect(json("") == "{}" && json("tenant=a%2Fb+c&limit=x") == #"{"tenant":"a/b c","limit":"x"}"#)
        #expect(json("tenant=a&keys.method=%2FA%2FB&keys.header+x=1") == #"{"tenant":"a","keys":{"method":"/A/B","header x":"1"}}"#)
        #expect(json("&&a&b=%\"") == #"{"a":"","b":"%\""}"#)
    }
}
