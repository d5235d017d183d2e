import Testing

@testable import Crypto

@Suite struct KeyHandleTests {
    static let kinds: [KeyKind] = [.rsa(bits: 2048), .ec(.p256), .ec(.p384), .ec(.p521), .ed25519, .ed448]

    func publicKind(_ pem: String) throws(KeyFailure) -> KeyKind {
        let bytes = Array(pem.utf8)
        return try bytes.span.bytes.withUnsafeBytes { (text) throws(KeyFailure) in try KeyHandle.publicKey(pem: text).kind }
    }

    func privateKind(_ pem: String) throws(KeyFailure) -> KeyKind {
        let bytes = Array(pem.utf8)
        return try bytes.span.bytes.withUnsafeBytes { (text) throws(KeyFailure) in try KeyHandle.privateKey(pem: text).kind }
    }

    @Test("a key of each kind is made, written as PEM and as numbers, and read back the same", arguments: kinds)
    func roundTrip(kind: KeyKind) throws {
        let key = try KeyHandle.generate(kind)
        #expect(key.kind == kind)
        #expect(key.isPrivate == true)
        let numbers = try key.publicNumbers()

        let privatePEM = try key.privatePEM()
        let again = try privatePEM.withBytes { (text) throws(KeyFailure) in try KeyHandle.privateKey(pem: text) }
        #expect(again.kind == kind)
        #expect(again.isPrivate == true)
        #expect(try again.publicNumbers() == numbers)

        let publicPEM = try key.publicPEM()
        let half = try publicPEM.span.bytes.withUnsafeBytes { (text) throws(KeyFailure) in try KeyHandle.publicKey(pem: text) }
        #expect(half.kind == kind)
        #expect(half.isPrivate == false)
        #expect(try half.publicNumbers() == numbers)
        #expect(throws: KeyFailure.publicWherePrivate) { _ = try half.privatePEM() }

        let fromNumbers = try KeyHandle.publicKey(numbers)
        #expect(fromNumbers.kind == kind)
        #expect(try fromNumbers.publicNumbers() == numbers)
        #expect(try fromNumbers.publicPEM() == publicPEM)
    }

    @Test("every form in which OpenSSL writes a key is read")
    func forms() throws {
        #expect(try privateKind(PEMFixtures.ecPrivate) == .ec(.p256))
        #expect(try privateKind(PEMFixtures.ecWithParameters) == .ec(.p256))
        #expect(try publicKind(PEMFixtures.ecPublic) == .ec(.p256))
        #expect(try publicKind(PEMFixtures.certificate) == .ec(.p256))
        #expect(try publicKind(PEMFixtures.rsaPublicOldStyle) == .rsa(bits: 1024))
        #expect(try publicKind(PEMFixtures.explicitCurve) == .ec(.p256))
        #expect(try publicKind("Subject: somebody\n\n" + PEMFixtures.ecPublic) == .ec(.p256))
        #expect(try privateKind(PEMFixtures.certificate + PEMFixtures.ecPrivate) == .ec(.p256))
    }

    @Test("the wrong half, an encrypted key and a kind that cannot sign are named for what they are")
    func wrongKeys() {
        #expect(throws: KeyFailure.privateWherePublic) { try publicKind(PEMFixtures.ecPrivate) }
        #expect(throws: KeyFailure.publicWherePrivate) { try privateKind(PEMFixtures.ecPublic) }
        #expect(throws: KeyFailure.encrypted) { try privateKind(PEMFixtures.encrypted) }
        #expect(throws: KeyFailure.encrypted) { try privateKind(PEMFixtures.encryptedOldStyle) }
        #expect(throws: KeyFailure.unsupportedKind) { try publicKind(PEMFixtures.foreignCurve) }
        #expect(throws: KeyFailure.unsupportedKind) { try publicKind(PEMFixtures.x25519) }
        #expect(throws: KeyFailure.notPEM) { try privateKind(PEMFixtures.certificate) }
    }

    @Test(
        "a text without a whole key in it is refused",
        arguments: [
            "", "hello", "-----BEGIN PUBLIC KEY-----\n", "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----\n",
        ])
    func noKey(text: String) { #expect(throws: KeyFailure.notPEM) { try publicKind(text) } }

    @Test("bytes behind the key are refused, and so is a key cut short")
    func trailing() throws {
        let key = try KeyHandle.generate(.ed25519)
        guard case .ed25519(let raw) = try key.publicNumbers() else { Issue.record("another kind"); return }
        let der: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00] + raw
        func load(_ bytes: [UInt8]) throws(KeyFailure) -> KeyKind {
            try bytes.span.bytes.withUnsafeBytes { (text) throws(KeyFailure) in try KeyHandle.publicKey(der: text).kind }
        }
        #expect(try load(der) == .ed25519)
        #expect(throws: KeyFailure.malformed) { try load(der + [0]) }
        #expect(throws: KeyFailure.malformed) { try load(Array(der.dropLast())) }
        #expect(throws: KeyFailure.malformed) { try load([]) }
    }

    @Test("numbers that are no key are refused")
    func wrongNumbers() throws {
        func make(_ numbers: PublicNumbers) throws(KeyFailure) -> KeyKind { try KeyHandle.publicKey(numbers).kind }
        guard case .ec(_, let x, let y) = try KeyHandle.generate(.ec(.p256)).publicNumbers() else { return }
        #expect(try make(.ec(.p256, x: x, y: y)) == .ec(.p256))
        var offCurve = y
        offCurve[31] ^= 1
        #expect(throws: KeyFailure.notOnCurve) { try make(.ec(.p256, x: x, y: offCurve)) }
        #expect(throws: KeyFailure.malformed) { try make(.ec(.p256, x: x, y: Array(y.dropLast()))) }
        #expect(throws: KeyFailure.malformed) { try make(.ec(.p384, x: x, y: y)) }
        #expect(throws: KeyFailure.malformed) { try make(.ed25519(Array(repeating: 1, count: 31))) }
        #expect(throws: KeyFailure.malformed) { try make(.ed448(Array(repeating: 1, count: 32))) }

        let modulus = [UInt8](repeating: 0xFF, count: 256)
        #expect(try make(.rsa(modulus: modulus, exponent: [1, 0, 1])) == .rsa(bits: 2048))
        for exponent in [[], [1], [2], [0, 3], Array(repeating: 3, count: 9)] as [[UInt8]] {
            #expect(throws: KeyFailure.malformed) { try make(.rsa(modulus: modulus, exponent: exponent)) }
        }
        #expect(throws: KeyFailure.malformed) { try make(.rsa(modulus: [], exponent: [3])) }
        #expect(throws: KeyFailure.malformed) { try make(.rsa(modulus: modulus.dropLast() + [2], exponent: [3])) }
    }

    @Test("ten thousand keys are made and dropped")
    func createAndDrop() throws {
        let numbers = try KeyHandle.generate(.ec(.p256)).publicNumbers()
        let pem = Array(PEMFixtures.ecPublic.utf8)
        let bad = Array(PEMFixtures.foreignCurve.utf8)
        for _ in 0..<5_000 {
            _ = try KeyHandle.publicKey(numbers)
            _ = try pem.span.bytes.withUnsafeBytes { (text) throws(KeyFailure) in try KeyHandle.publicKey(pem: text).kind }
            pem.withUnsafeBytes { _ = try? KeyHandle.privateKey(pem: $0).kind }
            bad.withUnsafeBytes { _ = try? KeyHandle.publicKey(pem: $0).kind }
        }
    }
}
