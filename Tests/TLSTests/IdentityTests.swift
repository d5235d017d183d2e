import TLSTesting
import Testing
import Time

@testable import TLS

@Suite struct IdentityTests {
    let authority = TestAuthority("Test Root")

    @Test("what is wrong with a certificate or key is said in a user's words")
    func mistakes() throws {
        let good = authority.issue("a.test", names: "DNS:a.test")
        let other = authority.issue("b.test", names: "DNS:b.test")
        let broken = Array(String(decoding: good.certificate, as: UTF8.self).replacing("MII", with: "M!I").utf8)
        let brokenKey = Array(String(decoding: good.key, as: UTF8.self).replacing("MIG", with: "M!I").utf8)
        let cases: [([UInt8], [UInt8], String)] = [
            ([], good.key, "found nothing, expected a certificate in PEM (-----BEGIN CERTIFICATE-----)"),
            (good.key, good.key, "found only a key, expected a certificate in PEM (-----BEGIN CERTIFICATE-----)"),
            ([0x30, 0x82, 1, 2], good.key, "found binary DER, expected a certificate in PEM (-----BEGIN CERTIFICATE-----)"),
            (Array("hello".utf8), good.key, "found something else, expected a certificate in PEM (-----BEGIN CERTIFICATE-----)"),
            (good.certificate, [], "found nothing, expected a private key in PEM (-----BEGIN PRIVATE KEY-----)"),
            (
                good.certificate, good.certificate,
                "found only a certificate, expected a private key in PEM (-----BEGIN PRIVATE KEY-----)"
            ),
            (
                good.certificate, TestAuthority.encryptedKey(),
                "the private key is encrypted with a passphrase; expected a key without one"
            ),
            (good.certificate, other.key, "the private key does not belong to the certificate"),
            (
                authority.pem + good.certificate, good.key,
                "the private key belongs to certificate 2 of the file; put that one first, its issuers after it"
            ),
            (broken, good.key, "certificate 1 of the file cannot be read: bad base64 decode"),
            (good.certificate + broken, good.key, "certificate 2 of the file cannot be read: bad base64 decode"),
        ]
        for (chain, key, message) in cases {
            let mistake = #expect(throws: ContextMistake.self) { try Identity(chain: chain, key: key) }
            #expect(mistake?.description == message)
        }
        let mistake = #expect(throws: ContextMistake.self) { try Identity(chain: good.certificate, key: brokenKey) }
        #expect(mistake?.description.hasPrefix("the private key cannot be read: ") == true)
    }

    @Test("a key that is too short is refused when it is read, not when it is used")
    func weak() throws {
        let weak = authority.issue("weak", rsaBits: 1024)
        #expect(throws: ContextMistake.unusable(reason: "ee key too small")) {
            try Identity(chain: weak.certificate, key: weak.key)
        }
    }

    @Test("RSA keys serve too, and text around the blocks is passed over")
    func rsa() throws {
        let world = World()
        let issued = world.authority.issue("a.test", names: "DNS:a.test", rsaBits: 2048)
        let chain = Array("subject=a.test\n".utf8) + issued.certificate + Array("\nissuer:\n".utf8) + world.authority.pem
        let identity = try Identity(chain: chain, key: issued.key)
        #expect(identity.chain.count == 2)
        for version in [ProtocolVersion.tls12, .tls13] {
            let pair = Pair(try world.server([identity]), try world.client())
            pair.client.limit(to: version)
            #expect(pair.exchange().isEstablished)
        }
    }

    @Test("an intermediate certificate is sent along")
    func intermediate() throws {
        let world = World()
        let middle = TestAuthority("Middle", below: world.authority)
        let issued = middle.issue("a.test", names: "DNS:a.test")
        let whole = try Identity(chain: issued.certificate + middle.pem, key: issued.key)
        #expect(Pair(try world.server([whole]), try world.client()).exchange().isEstablished)
        let alone = try Identity(chain: issued.certificate, key: issued.key)
        #expect(Pair(try world.server([alone]), try world.client()).exchange().client.failure?.kind == .certificate)
    }

    @Test("names, subject, times and fingerprint are read")
    func info() throws {
        let now = WallTime.now()
        let issued = authority.issue("Grün, \"a\"", names: "DNS:a.test,IP:10.0.0.1,URI:spiffe://x", from: -60, until: 3600)
        let info = try Identity(chain: issued.certificate, key: issued.key).info
        #expect(info.subject == "CN=Grün\\, \\\"a\\\",O=Martlet Tests")
        #expect(info.names == [.dns("a.test"), .uri("spiffe://x"), .commonName("Grün, \"a\"")])
        #expect(abs(info.notAfter.seconds - now.seconds - 3600) < 30)
        #expect(abs(info.notBefore.seconds - now.seconds + 60) < 30)
        let other = authority.issue("a.test")
        #expect(try Identity(chain: other.certificate, key: other.key).info.fingerprint != info.fingerprint)
    }

    @Test("a name with control characters inside is no name", arguments: ["good.test\0.evil.test", "a\nb", "\u{7f}"])
    func control(subject: String) throws {
        let issued = authority.issue(subject, names: "DNS:a.test")
        let info = try Identity(chain: issued.certificate, key: issued.key).info
        #expect(info.names == [.dns("a.test")])
        #expect(info.subject.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
    }

    @Test("certificates outside their time are warned of, by their place in the file")
    func warnings() throws {
        let middle = TestAuthority("Middle", below: authority)
        let issued = middle.issue("a.test", from: -60, until: 600)
        let identity = try Identity(chain: issued.certificate + middle.pem, key: issued.key)
        let now = WallTime.now()
        #expect(identity.warnings(at: now) == [])
        let later = WallTime(seconds: now.seconds + 3600)
        #expect(identity.warnings(at: later) == [.expired(index: 1, identity.info.notAfter)])
        let earlier = WallTime(seconds: now.seconds - 1800)
        #expect(identity.warnings(at: earlier) == [.notYetValid(index: 1, identity.info.notBefore)])
    }

    @Test("authorities: several in one file, none is a mistake")
    func authorities() throws {
        let several = try CertificateAuthorities(pem: authority.pem + TestAuthority("Second").pem)
        #expect(several.infos.map(\.subject) == ["CN=Test Root,O=Martlet Tests", "CN=Second,O=Martlet Tests"])
        #expect(try CertificateAuthorities(pem: authority.pem + authority.pem).infos.count == 2)
        #expect(throws: ContextMistake.noCertificate(.empty)) { try CertificateAuthorities(pem: []) }
    }
}
