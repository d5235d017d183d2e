import JOSE
import Testing

@testable import GatewayModel

@Suite("Texts with variables of the call")
struct CallTemplateTests {
    private func variable(_ variable: CallVariable, _ otherwise: String? = nil) -> CallTemplate.Part {
        .variable(variable, otherwise: otherwise.map { Array($0.utf8) })
    }

    private func text(_ text: String) -> CallTemplate.Part { .text(Array(text.utf8)) }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test("every variable has one name")
    func vocabulary() throws {
        let claim = try #require(ClaimPath(names: ["realm", "tenant"]))
        let all: [(String, CallVariable)] = [
            ("request.id", .requestID), ("request.method", .requestMethod), ("request.path", .requestPath),
            ("request.authority", .requestAuthority), ("request.scheme", .requestScheme),
            ("request.header.x-team", .requestHeader(bytes("x-team"))), ("request.query.Debug", .requestQuery(bytes("Debug"))),
            ("client.address", .clientAddress), ("client.certificate.uri", .clientCertificateURI),
            ("client.certificate.subject", .clientCertificateSubject), ("identity.subject", .identitySubject),
            ("identity.tenant", .identityTenant), ("identity.plan", .identityPlan), ("identity.issuer", .identityIssuer),
            ("claim.realm.tenant", .claim(claim)), ("route", .route), ("rpc.service", .rpcService), ("rpc.method", .rpcMethod),
            ("cluster", .cluster), ("endpoint", .endpoint), ("response.status", .responseStatus),
            ("response.grpc_status", .responseGRPCStatus), ("response.header.etag", .responseHeader(bytes("etag"))),
        ]
        for (name, expected) in all {
            #expect(try CallTemplate("%{\(name)}").parts == [variable(expected)])
            #expect(expected.name == name)
        }
        #expect(try CallTemplate("%{request.header.X-Team}").parts == [variable(.requestHeader(bytes("x-team")))])
    }

    @Test("text, percent signs and what stands in for a value that is missing")
    func parts() throws {
        #expect(try CallTemplate("").parts == [])
        #expect(try CallTemplate("plain").constant == bytes("plain"))
        #expect(try CallTemplate("100%%").constant == bytes("100%"))
        #expect(try CallTemplate("%%{route}").constant == bytes("%{route}"))
        #expect(try CallTemplate("a}b|c").constant == bytes("a}b|c"))
        #expect(
            try CallTemplate("a %{route}%{cluster|none}: %{claim.sub|}%%").parts == [
                text("a "), variable(.route), variable(.cluster, "none"), text(": "),
                variable(.claim(try #require(ClaimPath(names: ["sub"]))), ""), text("%"),
            ])
        #expect(try CallTemplate("%{route|5%% a|b}").parts == [variable(.route, "5% a|b")])
    }

    @Test(
        "what is none",
        arguments: [
            ("50%", .lonePercent), ("%a", .lonePercent), ("% {route}", .lonePercent), ("%{route|5%}", .lonePercent),
            ("%{route|%a}", .lonePercent), ("%{route", .unclosed), ("%{", .unclosed), ("%{route|%{cluster}}", .nested),
            ("%{}", .unknownVariable(hint: "")), ("%{ route }", .unknownVariable(hint: "; did you mean \"route\"?")),
            ("%{request.ip}", .unknownVariable(hint: "; did you mean \"request.id\"?")),
            ("%{reqest.header.x-a}", .unknownVariable(hint: "; did you mean \"request.header.x-a\"?")),
            ("%{claims.realm.tenant}", .unknownVariable(hint: "; did you mean \"claim.realm.tenant\"?")),
            ("%{Route}", .unknownVariable(hint: "; did you mean \"route\"?")),
            ("%{request.header.}", .noName(behind: "request.header.")), ("%{request.query.}", .noName(behind: "request.query.")),
            ("%{claim.}", .noName(behind: "claim.")), ("%{claim.a..b}", .notAClaim), ("%{claim.a b}", .notAClaim),
            ("%{request.header.x a}", .notAHeader), ("%{response.header.é}", .notAHeader),
            ("%{request.header.Host}", .headerWithVariable("request.authority")),
            ("%{request.header.:path}", .headerWithVariable("request.path")),
            (String(repeating: "a", count: 4097), .tooLong),
        ] as [(String, CallTemplate.Mistake)])
    func mistakes(text: String, mistake: CallTemplate.Mistake) {
        #expect(throws: mistake) { try CallTemplate(text) }
    }

    @Test("a text of the largest size")
    func largest() throws {
        #expect(try CallTemplate(String(repeating: "a", count: 4096)).constant?.count == 4096)
    }

    @Test("a text cut anywhere is a template or a mistake")
    func cut() {
        let whole = "a%%%{request.header.x-a|b%%}%{claim.realm.tenant}c"
        for count in 0...whole.utf8.count {
            for text in [String(whole.prefix(count)), String(whole.dropFirst(count))] { _ = try? CallTemplate(text) }
        }
    }
}
