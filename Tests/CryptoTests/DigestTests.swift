import Testing

@testable import Crypto

func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

@Suite struct DigestTests {
    @Test(
        "the digests of \"abc\" are those of FIPS 180-4",
        arguments: [
            (DigestAlgorithm.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                .sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
            ),
            (
                .sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                    + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
            ),
        ])
    func vectors(algorithm: DigestAlgorithm, expected: String) {
        #expect(hex(Array("abc".utf8).withUnsafeBytes { algorithm.hash($0) }) == expected)
    }

    @Test("nothing has a digest too")
    func empty() {
        let digest = DigestAlgorithm.sha256.hash(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(hex(digest) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}

@Suite struct HMACTests {
    func mac(_ algorithm: DigestAlgorithm, key: [UInt8], _ message: [UInt8]) -> String {
        hex(key.withUnsafeBytes { key in message.withUnsafeBytes { algorithm.authenticate($0, key: key) } })
    }

    @Test("RFC 4231's second case, a key shorter than its block")
    func shortKey() {
        let message = Array("what do ya want for nothing?".utf8)
        #expect(
            mac(.sha256, key: Array("Jefe".utf8), message)
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(
            mac(.sha384, key: Array("Jefe".utf8), message)
                == "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")
    }

    @Test("RFC 4231's sixth case, a key longer than its block")
    func longKey() {
        #expect(
            mac(
                .sha256, key: Array(repeating: 0xAA, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("an empty key and an empty message are legal, and are not the key of the call before")
    func empty() {
        _ = mac(.sha256, key: [1, 2, 3], [4])
        #expect(mac(.sha256, key: [], []) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }
}

@Suite struct ConstantTimeTests {
    @Test("equal means equal length and equal bytes")
    func equal() {
        func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
            left.withUnsafeBytes { left in right.withUnsafeBytes { ConstantTime.equal(left, $0) } }
        }
        #expect(equal([], []))
        #expect(equal([1, 2, 3], [1, 2, 3]))
        #expect(!equal([1, 2, 3], [1, 2, 4]))
        #expect(!equal([1, 2, 3], [1, 2]))
        #expect(!equal([], [0]))
    }
}

@Suite struct RandomBytesTests {
    @Test("random bytes have the length asked for and do not repeat")
    func random() {
        #expect(RandomBytes.make(0).isEmpty)
        #expect(RandomBytes.make(33).count == 33)
        #expect(RandomBytes.make(32) != RandomBytes.make(32))
        #expect(RandomBytes.uint64() != RandomBytes.uint64())
    }
}

@Suite struct SecretBytesTests {
    @Test("a secret is what was put in, and the array it came from stays its owner's")
    func contents() {
        let original: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(original)
        #expect(secret.count == 3)
        #expect(secret.withBytes { Array($0) } == [1, 2, 3])
        #expect(original == [1, 2, 3])
        #expect(SecretBytes([]).count == 0)
    }
}
