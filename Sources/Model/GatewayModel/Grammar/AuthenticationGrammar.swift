internal import Config
internal import JOSE

extension Grammar where Value == AuthenticationConfiguration {
    static var authentication: Grammar {
        .section(expected: "a mapping with issuers") { section in
            let issuers = section.required("issuers", .issuers)
            let tenant = section.optional("tenant", .claimSource)
            let plan = section.optional("plan", .planSource)
            let defaultPlan = section.optional("default_plan", .name)
            let failedLogins = section.value(
                "failed_logins", .word("off", or: .rate), default: AuthenticationConfiguration.failedLoginsDefault)
            let tokenCache = section.value(
                "token_cache", .word("off", or: .count(1...10_000_000)), default: AuthenticationConfiguration.tokenCacheDefault)
            if section.has("plan"), !section.has("tenant") {
                section.report("found without tenant, expected beside it: a plan's limits are per tenant", about: "plan")
            }
            if section.has("default_plan"), !section.has("plan") {
                section.report("found without plan, expected beside it", about: "default_plan")
            }
            return AuthenticationConfiguration(
                issuers: issuers ?? [], tenant: tenant, plan: plan, defaultPlan: defaultPlan, failedLogins: failedLogins,
                tokenCache: tokenCache ?? 0)
        }
    }
}

extension Grammar where Value == [IssuerConfiguration] {
    static var issuers: Grammar {
        Grammar.list(of: .issuer).expecting("a list of issuers, each a mapping with issuer, audiences and jwks")
    }
}

extension Grammar where Value == IssuerConfiguration {
    static var issuer: Grammar {
        .section(expected: "a mapping with issuer, audiences and jwks") { section in
            let name = section.optional("name", .name)
            let issuer = section.required("issuer", .text("the text of the iss claim"))
            let audiences = section.required("audiences", .word("any", or: .list(of: .audience)))
            if case .some(nil) = audiences {
                section.report(
                    "found any: tokens of this issuer count here whichever service they were issued for", about: "audiences",
                    severity: .warning)
            }
            let audienceClaim = section.optional("audience_claim", .claimPath)
            if section.has("audience_claim"), case .some(nil) = audiences {
                section.report("found beside audiences: any, expected the audiences to compare it with", about: "audience_claim")
            }
            let isInsecure = section.value("jwks_insecure", .boolean, default: false)
            let keys = section.required("jwks", .keySource(isInsecure: isInsecure))
            switch keys {
            case .http:
                section.report(
                    "keys are fetched in cleartext: an attacker on the network path can replace them and mint tokens",
                    about: "jwks",
                    severity: .warning)
            case .https, .file, .inline:
                if isInsecure {
                    section.report("expected no jwks_insecure here: only keys fetched over http need it", about: "jwks_insecure")
                }
            case nil: break
            }
            let ca = section.optional("jwks_ca", .path("a PEM file with certificates"))
            let algorithm = section.value("algorithm", .rsaAlgorithm, default: .rs256)
            let leeway = section.value("leeway", .duration(.zero ... .seconds(600)), default: .seconds(60))
            let forwardClaims = section.value("forward_claims", .forwardedClaims, default: [])
            let forwardToken = section.value("forward_token", .boolean, default: false)
            // Without keys there is nothing more to look at; all else that is wrong has been reported.
            guard var keys else { return nil }
            if case .https(let address, let authority, let path, _) = keys {
                keys = .https(address: address, authority: authority, path: path, ca: ca)
            } else if ca != nil {
                section.report("expected no jwks_ca here: only keys fetched over https need one", about: "jwks_ca")
            }
            return IssuerConfiguration(
                name: name ?? issuer ?? "", issuer: issuer ?? "", audiences: audiences ?? [], audienceClaim: audienceClaim,
                keys: keys,
                algorithm: algorithm, leeway: leeway,
                forwardClaims: forwardClaims, forwardToken: forwardToken)
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var audience: Grammar {
        Grammar(expected: "the text of an aud claim") { (text: String) in
            if text == "*" { return .expected("the text of an aud claim; for any audience write audiences: any") }
            return text.isEmpty ? .mismatch : .value(text)
        }
    }
}

extension Grammar where Value == SigningAlgorithm {
    /// Those of RSA keys: every other key says by its kind what it verifies.
    fileprivate static var rsaAlgorithm: Grammar {
        let words = [SigningAlgorithm.rs256, .rs384, .rs512, .ps256, .ps384, .ps512].map(\.rawValue)
        return Grammar(expected: Quoted.alternatives(words)) { (text: String) in
            Reading(words.contains(text) ? SigningAlgorithm(rawValue: text) : nil)
        }
    }
}
