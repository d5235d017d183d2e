import ArgumentParser
import Config
import GRPC
import Messages
import SwiftProtobuf

struct QuotaList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the tenants that have used something today, or that something holds for.")

    @OptionGroup var admin: QuotaAdmin

    func run() throws {
        let connection = try admin.connect()
        var request = Martlet_Quota_V1_ListRequest()
        request.pageSize = 1000
        var reply = try connection.call("List", request, Martlet_Quota_V1_ListReply.self)
        while !reply.nextPageToken.isEmpty {
            request.pageToken = reply.nextPageToken
            let page = try connection.call("List", request, Martlet_Quota_V1_ListReply.self)
            reply.tenants += page.tenants
            reply.nextPageToken = page.nextPageToken
        }
        try admin.print(reply) { reply in
            let rows = reply.tenants.map { tenant in
                [tenant.tenant, "\(tenant.hitsToday)", tenant.isBlocked ? "blocked" : "-", "\(tenant.adjustments)"]
            }
            let more = reply.isTruncated ? "there are more tenants than are looked at\n" : ""
            return "scope: \(reply.scope)\n" + TextTable.text([["TENANT", "HITS TODAY", "BLOCKED", "ADJUSTMENTS"]] + rows) + more
        }
    }
}

struct QuotaTop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show the tenants that use most, and those that are refused most.",
        discussion: "Of the one process, in this hour and the one before. A sum may be too high by ERROR at most.")

    @OptionGroup var admin: QuotaAdmin

    @Option(help: "How many, at most 100.")
    var count: UInt32 = 10

    func run() throws {
        var request = Martlet_Quota_V1_TopRequest()
        request.count = count
        try admin.run("Top", request, Martlet_Quota_V1_TopReply.self) { reply in
            func table(_ heading: String, _ tenants: [Martlet_Quota_V1_TopTenant]) -> String {
                TextTable.text([["TENANT", heading, "ERROR"]] + tenants.map { [$0.tenant, "\($0.hits)", "\($0.error)"] })
            }
            return "scope: \(reply.scope)\n" + table("HITS", reply.byUse) + "\n" + table("REFUSALS", reply.byRefusals)
        }
    }
}

struct QuotaExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print usage by day or hour, as CSV or JSON.",
        discussion: """
            Times are UTC: 2026-12-01 or 2026-12-01T09. Default: today. Days are kept for 400 days, hours for 7; with the memory \
            store both for 7 days, within the process.
            """)

    @OptionGroup var admin: QuotaAdmin

    @Option(help: ArgumentHelp("day or hour.", valueName: "period"))
    var period = "day"

    @Option(help: ArgumentHelp("The first day or hour.", valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("The last one.", valueName: "time"))
    var to: String?

    @Option(help: "Only this tenant.")
    var tenant: String?

    func run() throws {
        var request = Martlet_Quota_V1_ExportRequest()
        request.period = period
        request.tenant = tenant ?? ""
        if let from { request.from = Google_Protobuf_Timestamp(seconds: try Self.second(from, "--from")) }
        if let to { request.to = Google_Protobuf_Timestamp(seconds: try Self.second(to, "--to")) }
        let connection = try admin.connect()
        // The store may tell the same record twice.
        var records: [Record: UInt64] = [:]
        var reply = Martlet_Quota_V1_ExportReply()
        repeat {
            request.pageToken = reply.nextPageToken
            reply = try connection.call("Export", request, Martlet_Quota_V1_ExportReply.self)
            for record in reply.records {
                records[Record(record.start.seconds, record.tenant, record.issuer, record.limit)] = record.hits
            }
        } while !reply.nextPageToken.isEmpty
        reply.records = records.sorted { $0.key < $1.key }.map { record, hits in
            var row = Martlet_Quota_V1_UsageRecord()
            row.start = Google_Protobuf_Timestamp(seconds: record.start)
            (row.tenant, row.issuer, row.limit, row.hits) = (record.tenant, record.issuer, record.limit, hits)
            return row
        }
        try admin.print(reply) { reply in
            "start,tenant,issuer,limit,hits\n"
                + reply.records.map { row in
                    [TimeText.absolute(row.start.seconds), row.tenant, row.issuer, row.limit, "\(row.hits)"].map(Self.cell).joined(
                        separator: ",") + "\n"
                }.joined()
        }
    }

    private struct Record: Hashable, Comparable {
        let (start, tenant, issuer, limit): (Int64, String, String, String)

        init(_ start: Int64, _ tenant: String, _ issuer: String, _ limit: String) {
            (self.start, self.tenant, self.issuer, self.limit) = (start, tenant, issuer, limit)
        }

        static func < (one: Record, other: Record) -> Bool {
            (one.start, one.tenant, one.issuer, one.limit) < (other.start, other.tenant, other.issuer, other.limit)
        }
    }

    /// RFC 4180.
    private static func cell(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private static func second(_ text: String, _ option: String) throws -> Int64 {
        // A whole time as RFC 3339 has it.
        let shape = "0000-01-01T00:00:00Z"
        let whole = text.hasSuffix("Z") ? text : text + shape.dropFirst(text.count)
        guard let time = try? Google_Protobuf_Timestamp(jsonString: "\"\(whole)\"") else {
            throw ValidationError("found \(Quoted.text(text)) for \(option), expected a time such as 2026-12-01 or 2026-12-01T09.")
        }
        return time.seconds
    }
}
