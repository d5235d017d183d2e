import Testing

@testable import RateLimit

@Suite struct CounterDigestTests {
    private func digest(_ values: [String]) -> CounterDigest {
        var hasher = CounterHasher(seed: seed)
        for value in values {
            var value = value
            value.withUTF8 { hasher.absorb(UnsafeRawBufferPointer($0)) }
        }
        return hasher.finish()
    }

    @Test("is SipHash-2-4-128 of the length-prefixed, padded values, as OpenSSL computes it")
    func reference() {
        #expect(digest([]) == CounterDigest(low: 0xe6a8_25ba_047f_81a3, high: 0x9302_55c7_1472_f66d))
        #expect(digest([""]) == CounterDigest(low: 0x96f2_e6ef_68ab_93c2, high: 0x1d80_5762_9da4_92bd))
        #expect(digest(["tenant-7"]) == CounterDigest(low: 0x0bc6_267f_2b18_4bd5, high: 0x4bd5_09e1_12ed_4e82))
        #expect(
            digest(["acme", "a longer value, of more than a word"])
                == CounterDigest(low: 0x878c_810a_47cc_6c6f, high: 0xe033_0994_25ea_1e1f))
    }

    @Test("values cannot be moved from one key to the next, nor padded")
    func unambiguous() {
        let digests = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], ["", "abc"], ["abc\0"], ["abc\0\0\0\0\0"]].map(digest)
        for (index, one) in digests.enumerated() {
            #expect(!digests[..<index].contains(one))
        }
    }

    @Test("place, name, window, issuer and values all tell counters apart; count and burst do not")
    func identity() throws {
        func digest(_ text: String, name: String = "a", place: String = "p", issuer: String = "i", key: String = "k") throws
            -> CounterDigest
        {
            let request = LimitRequest(keepsValues: false)
            let limit = try limit(text, name: name, place: place)
            request.reset(issuer: issuer)
            request.begin(limit)
            request.add(key: key)
            return request.slots[0].digest
        }
        let base = try digest("10/s per tenant")
        #expect(try digest("20/s burst 5 per tenant") == base)
        #expect(try digest("10/2s per tenant") != base)
        #expect(try digest("10/s per tenant", name: "b") != base)
        #expect(try digest("10/s per tenant", place: "q") != base)
        #expect(try digest("10/s per tenant", issuer: "j") != base)
        #expect(try digest("10/s per tenant", key: "l") != base)
        #expect(try digest("10/s per address", issuer: "j") == digest("10/s per address"))
    }

    @Test("a request used again goes by the issuer of its present call")
    func issuerChanges() throws {
        let request = LimitRequest(keepsValues: false)
        let limit = try limit("10/s per tenant")
        let digests = ["i", "i", "j", "", "i"].map { issuer in
            request.reset(issuer: issuer)
            request.begin(limit)
            request.add(key: "acme")
            return request.slots[0].digest
        }
        #expect(digests[0] == digests[1] && digests[0] == digests[4])
        #expect(digests[0] != digests[2] && digests[2] != digests[3] && digests[0] != digests[3])
    }

    @Test("a request gives each key's value back as it was put in")
    func values() throws {
        let request = LimitRequest(keepsValues: true)
        let first = try limit("1/s per tenant, method")
        let second = try limit("1/s per address")
        request.reset(issuer: "iss")
        request.begin(first)
        request.add(key: "acme")
        request.add(key: "")
        request.begin(second)
        request.add(key: "10.0.0.1")
        func text(_ index: Int, _ key: Int) -> String { String(decoding: request.value(at: index, key: key), as: UTF8.self) }
        #expect(text(0, 0) == "acme" && text(0, 1) == "" && text(1, 0) == "10.0.0.1")
        #expect(String(decoding: request.issuerBytes, as: UTF8.self) == "iss")
    }
}
