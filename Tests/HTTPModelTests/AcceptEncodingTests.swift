import Bytes
import Testing

@testable import HTTPModel

@Suite struct AcceptEncodingTests {
    private func admits(_ values: String...) -> Bool {
        var block = FieldBlock()
        defer { block.destroy() }
        for value in values { block.append("accept-encoding", value) }
        return AcceptEncoding.admitsGzip(block.all)
    }

    @Test(
        "gzip is sent to requests that take it",
        arguments: [
            "gzip", "GZIP", "x-gzip", "br, gzip", "gzip;q=1", "gzip ; q=1.000", "gzip;q=0.001", "br;q=1, gzip;q=0.5", "*",
            "br, *;q=0.1",
            "gzip, identity", "identity;q=0.5, gzip;q=0.5", "identity;q=0, *", "\tgzip\t,br", "gzip;Q=0.8",
        ])
    func taken(value: String) { #expect(admits(value)) }

    @Test(
        "nobody is sent gzip who may not want it",
        arguments: [
            "", "br", "identity", "gzip;q=0", "gzip;q=0.000", "gzip;q=0, *", "*;q=0", "identity, gzip;q=0.5",
            "gzip;q=0.49, identity;q=0.5",
            "gzip;q=2", "gzip;q=1.1", "gzip;q=0.1234", "gzip;q=", "gzip;q", "gzip;x=1", "gzip;q=.5", "gzip;q=0,5", "gzipped",
            "gzip deflate",
        ])
    func refused(value: String) { #expect(!admits(value)) }

    @Test("the lists of several fields are one")
    func several() {
        #expect(admits("br", "gzip"))
        #expect(!admits("*", "gzip;q=0"))
        var none = FieldBlock()
        defer { none.destroy() }
        #expect(!AcceptEncoding.admitsGzip(none.all))
    }
}
