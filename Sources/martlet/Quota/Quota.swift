import ArgumentParser

struct Quota: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change the quotas of tenants, now.",
        discussion: """
            ADDRESS is the admin address of a gateway: HOST:PORT or unix:PATH. Changes are taken over a Unix socket only. With a \
            store in Redis they are in force on every gateway of the domain within 2 seconds; with the memory store within the one \
            process.

            LIMIT is PLACE/NAME, as show prints it, or a name alone where no other limit has it.

            Exit status: 0 if it was done, 1 for an invalid request, 2 if there is no connection, 64 + code for a gRPC status \
            (67 is INVALID_ARGUMENT, 69 NOT_FOUND, 71 PERMISSION_DENIED, 78 UNAVAILABLE), 64 for an invalid command line.
            """,
        subcommands: [
            QuotaShow.self, QuotaList.self, QuotaTop.self, QuotaExport.self, QuotaGrant.self, QuotaOverride.self, QuotaRestore.self,
            QuotaReset.self, QuotaBlock.self, QuotaUnblock.self,
        ])
}
