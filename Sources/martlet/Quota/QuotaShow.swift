import ArgumentParser
import Config
import Messages
import SwiftProtobuf
import Time

struct QuotaShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a tenant has used of each limit, and what holds for it.",
        discussion: "Nothing is charged. For a limit that counts by more than the tenant, --key gives the other values.")

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Option(help: "Only this limit.")
    var limit: String?

    @OptionGroup var keys: QuotaKeys

    func run() throws {
        var request = Martlet_Quota_V1_ShowRequest()
        request.tenant = tenant.tenant
        request.issuer = tenant.issuer ?? ""
        request.limit = limit ?? ""
        request.keys = try keys.values()
        try admin.run("Show", request, Martlet_Quota_V1_ShowReply.self, text: Self.text)
    }

    private static func text(_ reply: Martlet_Quota_V1_ShowReply) -> String {
        var rows = [["LIMIT", "USED", "REMAINING", "COUNT", "CONFIGURED", "WINDOW", "RESET", "ISSUER"]]
        for usage in reply.usage {
            let isKnown = usage.missingKeys.isEmpty
            let missing = usage.missingKeys.map { "--key '\($0)=…'" }.joined(separator: " ")
            rows.append([
                usage.limit + (usage.isShadow ? " (shadow)" : ""), isKnown ? "\(usage.used)" : "?",
                isKnown ? "\(usage.remaining)" : "?",
                "\(usage.count)", "\(usage.configured)", "\(usage.window) \(usage.algorithm)",
                isKnown ? DurationText.text(.seconds(Int64(usage.resetSeconds))) : missing, usage.issuer,
            ])
        }
        let acts = reply.acts.isEmpty ? "" : "\n" + ActText.table(reply.acts)
        return "scope: \(reply.scope)\n" + TextTable.text(rows) + acts
    }
}

struct QuotaKeys: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Value of another key that the limit counts by, such as method=/shop.Orders/Create or 'header x-app=web'. Repeatable.",
            valueName: "key=value"))
    var key: [String] = []

    func values() throws -> [String: String] {
        var values: [String: String] = [:]
        for text in key {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw ValidationError("found \(Quoted.text(text)) for --key, expected KEY=VALUE.")
            }
            values[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return values
    }
}

/// What was done about tenants.
enum ActText {
    static func table(_ acts: [Martlet_Quota_V1_Act]) -> String {
        TextTable.text(
            [["ACT", "LIMIT", "COUNT", "SINCE", "UNTIL", "BY", "ISSUER", "REASON"]]
                + acts.map { act in
                    [
                        act.kind, act.limit.isEmpty ? "-" : act.limit, count(act), TimeText.absolute(act.since.seconds),
                        act.hasUntil ? TimeText.absolute(act.until.seconds) : "-", act.by, act.issuer.isEmpty ? "any" : act.issuer,
                        act.reason,
                    ]
                })
    }

    static func count(_ act: Martlet_Quota_V1_Act) -> String {
        switch act.kind {
        case "grant": "+\(act.count)"
        case "override": act.burst > 0 ? "\(act.count) burst \(act.burst)" : "\(act.count)"
        default: "-"
        }
    }
}
