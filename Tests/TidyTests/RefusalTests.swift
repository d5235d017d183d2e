import Testing

/// Every refusal is in the one table, and the table is held by a test.
@Suite("Refusals")
struct RefusalTests {
    @Test("each cause of a refusal stands in the test of the table")
    func causesAreTested() throws {
        let lines = try Checkout.lines("Sources/Protocols/GRPC/Refusal/RefusalCause.swift")
        let end = try #require(lines.firstIndex(of: "}"))
        let causes = lines[..<end].compactMap { line -> String? in
            guard line.hasPrefix("    case ") else { return nil }
            return String(line.dropFirst(9).prefix { $0.isLetter || $0.isNumber })
        }
        let table = try Checkout.lines("Tests/GRPCTests/Refusal/RefusalTableTests.swift").joined(separator: "\n")
        #expect(causes.count > 40)
        for cause in causes {
            #expect(table.contains("cause: .\(cause)"), "RefusalTableTests has no row of \(cause)")
        }
    }
}
