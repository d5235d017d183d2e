import ArgumentParser
import Config
import Messages
import SwiftProtobuf

/// Why, for the audit log.
struct QuotaReason: ParsableArguments {
    @Option(help: ArgumentHelp("Why, for the audit log and for show.", valueName: "text"))
    var reason: String?
}

enum ChangeText {
    static func text(_ change: Martlet_Quota_V1_Change) -> String {
        var lines = ["scope: \(change.scope)", "version: \(change.version)"]
        if change.hasAct { lines.append("now:\n" + ActText.table([change.act]).dropLast()) }
        if !change.former.isEmpty { lines.append("before:\n" + ActText.table(change.former).dropLast()) }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension QuotaAdmin {
    /// - Parameter request: with what only this change has.
    fileprivate func change(
        _ method: String, of tenant: QuotaTenant, _ why: QuotaReason, _ request: some Message & TenantChange
    ) throws {
        var request = request
        request.tenant = tenant.tenant
        request.issuer = tenant.issuer ?? ""
        request.reason = why.reason ?? ""
        try run(method, request, Martlet_Quota_V1_Change.self, text: ChangeText.text)
    }
}

struct QuotaBlock: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "block",
        abstract: "Refuse all calls of a tenant, and end those that run.",
        discussion: "Callers get PERMISSION_DENIED with reason TENANT_BLOCKED.")

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Option(name: .customLong("for"), help: ArgumentHelp("How long. Default: until unblock.", valueName: "duration"))
    var lasting: String?

    @OptionGroup var why: QuotaReason

    func run() throws {
        var request = Martlet_Quota_V1_BlockRequest()
        request.lastingSeconds = try LastingOption.seconds(lasting)
        try admin.change("Block", of: tenant, why, request)
    }
}

struct QuotaUnblock: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unblock", abstract: "End the blocks of a tenant.")

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant
    @OptionGroup var why: QuotaReason

    func run() throws {
        try admin.change("Unblock", of: tenant, why, Martlet_Quota_V1_UnblockRequest())
    }
}

struct QuotaGrant: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant",
        abstract: "Let so many hits more of a tenant through.",
        discussion: """
            The grant is added to the limit's count until it ends, by default with the present window: then exactly so many more \
            pass. In a window that begins before it ends they pass again. A token bucket holds so many more, and needs --for.
            """)

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Argument(help: "The limit.")
    var limit: String

    @Argument(help: "How many hits.")
    var count: UInt64

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long. Default: until the present window ends.", valueName: "duration"))
    var lasting: String?

    @OptionGroup var why: QuotaReason

    func run() throws {
        var request = Martlet_Quota_V1_GrantRequest()
        request.limit = limit
        request.count = count
        request.lastingSeconds = try LastingOption.seconds(lasting)
        try admin.change("Grant", of: tenant, why, request)
    }
}

struct QuotaOverride: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "override",
        abstract: "Put another count in place of a limit's, for one tenant.",
        discussion: """
            What was used stays used. A token bucket fills at the new rate from how full it is, in time: half full stays half full.
            """)

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Argument(help: "The limit.")
    var limit: String

    @Argument(help: "The count in its window.")
    var count: UInt64

    @Option(help: "Burst of a token bucket. Default: the configured one, or the count.")
    var burst: UInt64?

    @Option(name: .customLong("for"), help: ArgumentHelp("How long.", valueName: "duration"))
    var lasting: String

    @OptionGroup var why: QuotaReason

    func run() throws {
        var request = Martlet_Quota_V1_OverrideRequest()
        request.limit = limit
        request.count = count
        request.burst = burst ?? 0
        request.lastingSeconds = try LastingOption.seconds(lasting)
        try admin.change("Override", of: tenant, why, request)
    }
}

struct QuotaRestore: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "End the override and the grants of a limit for one tenant before their time.")

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Argument(help: "The limit.")
    var limit: String

    @OptionGroup var why: QuotaReason

    func run() throws {
        var request = Martlet_Quota_V1_RestoreRequest()
        request.limit = limit
        try admin.change("Restore", of: tenant, why, request)
    }
}

struct QuotaReset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Have what a tenant has used of a limit begin anew.",
        discussion: "For a limit that counts by more than the tenant, --key gives the other values.")

    @OptionGroup var admin: QuotaAdmin
    @OptionGroup var tenant: QuotaTenant

    @Argument(help: "The limit.")
    var limit: String

    @OptionGroup var keys: QuotaKeys
    @OptionGroup var why: QuotaReason

    func run() throws {
        var request = Martlet_Quota_V1_ResetRequest()
        request.limit = limit
        request.keys = try keys.values()
        try admin.change("Reset", of: tenant, why, request)
    }
}

/// `--for`, in whole seconds.
enum LastingOption {
    static func seconds(_ text: String?) throws -> UInt32 {
        guard let text else { return 0 }
        let seconds = try DurationOption(text).seconds
        guard seconds >= 1, seconds <= 10 * 366 * 86_400 else {
            throw ValidationError("found \(Quoted.text(text)) for --for, expected from 1s to 10 years, such as 90s, 1h30m or 30d.")
        }
        return UInt32(seconds)
    }
}
