import Testing

/// Above the connections, memory is reached by `Record` and `Borrowed`, and bytes by `BorrowedBytes`: pointers are out of sight.
@Suite("Pointers are out of sight")
struct PointerTests {
    private static let modules = [
        "Gateway", "Filters", "Upstreams", "Bridging", "Schemas", "Routing", "AccessControl", "Snapshots", "Calls",
    ]

    /// Files that name pointers, with the reason; no more than ten.
    private static let pointerFiles: [String: String] = [
        "Sources/Policy/Routing/Head/HeadCache.swift": "holds the cache's entries",
        "Sources/Policy/Routing/Table/RouteTableStorage.swift": "is the table's storage",
        "Sources/Gateway/Filters/Overload/OverloadMonitor.swift": "an atomic at a fixed address",
        "Sources/Gateway/Filters/Overload/Admission.swift": "the same atomic",
        "Sources/Gateway/Filters/Chain/SuspensionToken.swift": "the context of a limit request",
        "Sources/Gateway/Filters/Chain/LimitsFilter.swift": "the context of a limit request",
        "Sources/Gateway/Gateway/Worker/Mirroring.swift": "changes a written head",
    ]

    private static func lines(_ body: (_ path: String, _ code: String) -> Void) {
        for module in modules {
            for file in Checkout.files(ofModule: module) where file.path.hasSuffix(".swift") {
                var stripper = CommentStripper()
                for line in file.lines { body(file.path, stripper.code(of: line)) }
            }
        }
    }

    static func namesPointer(_ code: String) -> Bool {
        if code.contains(".pointee") || code.contains("_withUnsafeGuaranteedRef") { return true }
        return code.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.contains {
            $0 == "Unmanaged" || $0.hasPrefix("Unsafe") && $0.hasSuffix("Pointer")
        }
    }

    /// `!` behind a name or a bracket, and not before `=`.
    static func forces(_ code: String) -> Bool {
        let bytes = Array(code.utf8)
        return bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "!"), index > 0 else { return false }
            if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "=") { return false }
            let before = Character(UnicodeScalar(bytes[index - 1]))
            return before.isLetter || before.isNumber || "_)]>".contains(before)
        }
    }

    @Test("no file names a pointer but those that are listed")
    func pointers() {
        var found: Set<String> = []
        Self.lines { path, code in
            guard Self.namesPointer(code) else { return }
            found.insert(path)
            #expect(Self.pointerFiles[path] != nil, "\(path): \(code)")
        }
        #expect(
            Set(Self.pointerFiles.keys).isSubset(of: found), "\(Set(Self.pointerFiles.keys).subtracting(found)) name none any more")
    }

    @Test("no file forces an optional")
    func forcing() {
        Self.lines { path, code in
            #expect(!Self.forces(code), "\(path): \(code)")
        }
    }

    @Test("rules are told from what looks like breaking them")
    func rules() {
        #expect(
            Self.namesPointer("let a: UnsafePointer<Int>") && Self.namesPointer("x.pointee = 1")
                && Self.namesPointer("Unmanaged<A>?"))
        #expect(
            !Self.namesPointer("let a: BorrowedBytes") && !Self.namesPointer("withUnsafeBytes { }")
                && !Self.namesPointer("StreamPointer"))
        #expect(Self.forces("a!.b") && Self.forces("f()!") && Self.forces("var a: B<C>!"))
        #expect(!Self.forces("a != b") && !Self.forces("if !a") && !Self.forces("a! = b") == false)
    }
}
