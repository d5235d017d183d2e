import ArgumentParser
import Bytes
import Config
import JOSE
import JSON
import Time

struct TokenMint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mint",
        abstract: "Create a token and print it.",
        discussion: """
            Example:
              martlet token mint --key signing.key --issuer https://auth.acme.dev \\
                --audience orders --subject alice --scope "orders.read orders.write" \\
                --claim tenant=acme --claim 'roles=["admin"]' --expires 1h
            """)

    @Option(help: ArgumentHelp("Private key in PEM, or a JSON Web Key for HS.", valueName: "file"))
    var key: String

    @Option(help: "Signing algorithm. Default: that of the key (EC, Edwards curves, JSON Web Key); required for RSA.")
    var algorithm: SigningAlgorithm?

    @Option(
        name: .customLong("kid"),
        help: ArgumentHelp(
            "Key ID in the token. Default: that of the key file, or the RFC 7638 thumbprint.", valueName: "name"))
    var keyID: String?

    @Option(help: "Issuer: the iss claim.")
    var issuer: String

    @Option(help: "Audience: the aud claim. Repeatable.")
    var audience: [String] = []

    @Option(help: "Subject: the sub claim.")
    var subject: String?

    @Option(help: "Scopes: the scope claim, separated by spaces.")
    var scope: String?

    @Option(
        name: .customLong("claim"),
        help: ArgumentHelp(
            "Another claim. The value is JSON if it parses as JSON, otherwise a string. Repeatable.",
            valueName: "name=value"), transform: ClaimOption.init)
    var claims: [ClaimOption] = []

    @Option(help: ArgumentHelp("How long the token is valid. Default: 1h.", valueName: "duration"), transform: DurationOption.init)
    var expires = DurationOption(seconds: 3600)

    @Option(
        help: ArgumentHelp("When the token becomes valid, from now. Default: immediately.", valueName: "duration"),
        transform: DurationOption.init)
    var notBefore: DurationOption?

    /// Claims that are set by options; `sub` and `scope` only if their option is given.
    private var reserved: [String: String] {
        var options = [
            "iss": "--issuer", "aud": "--audience", "exp": "--expires", "nbf": "--not-before",
            "iat": "nothing: it is always the current time",
        ]
        if subject != nil { options["sub"] = "--subject" }
        if scope != nil { options["scope"] = "--scope" }
        return options
    }

    func validate() throws {
        if audience.isEmpty { throw ValidationError("Found no --audience; gateways accept no token without one.") }
        for (option, value) in [("--issuer", issuer), ("--kid", keyID)] + audience.map({ ("--audience", $0) }) where value == "" {
            throw ValidationError("\(option) is empty; expected a name.")
        }
        var names: Set<String> = []
        for claim in claims {
            if let option = reserved[claim.name] {
                throw ValidationError("Found --claim \(claim.name)=…; it is set by \(option).")
            }
            if !names.insert(claim.name).inserted { throw ValidationError("Found --claim \(claim.name)=… twice.") }
        }
        if expires.seconds == 0 { throw ValidationError("--expires is \(expires); expected at least 1s.") }
        if let notBefore, notBefore.seconds >= expires.seconds {
            throw ValidationError("--not-before is \(notBefore) and --expires \(expires): the token would never be valid.")
        }
    }

    func run() throws {
        let (box, name) = try KeyFile.mintingKey(key, algorithm: algorithm, keyID: keyID)
        var token: String
        do throws(MintFailure) {
            token = try TokenMinter.mint(claims: claimsText(at: WallTime.now().seconds), with: box.key, keyID: name)
        } catch { throw CommandFailure(error.rawValue) }
        if token.utf8.count > CompactToken.bytesMax {
            throw CommandFailure("the token has \(token.utf8.count) bytes; gateways accept at most \(CompactToken.bytesMax)")
        }
        token += "\n"
        var output = ByteBuffer()
        output.append(token)
        StandardOutput.write(output)
    }

    private func claimsText(at now: Int64) -> String {
        var text = ByteBuffer()
        var json = JSONWriter()
        json.beginObject(&text)
        json.key("iss", &text)
        json.string(issuer, &text)
        json.key("aud", &text)
        if audience.count == 1 {
            json.string(audience[0], &text)
        } else {
            json.beginArray(&text)
            for name in audience { json.string(name, &text) }
            json.endArray(&text)
        }
        for case (let name, let value?) in [("sub", subject), ("scope", scope)] {
            json.key(name, &text)
            json.string(value, &text)
        }
        json.key("iat", &text)
        json.number(now, &text)
        if let notBefore {
            json.key("nbf", &text)
            json.number(now + notBefore.seconds, &text)
        }
        json.key("exp", &text)
        json.number(now + expires.seconds, &text)
        for claim in claims {
            json.key(claim.name, &text)
            if let value = try? JSONValue.parse(claim.value) {
                json.value(value, &text)
            } else {
                json.string(claim.value, &text)
            }
        }
        json.endObject(&text)
        return String(decoding: text.readable, as: UTF8.self)
    }
}
