internal import QuotaService

extension AuditLog {
    /// To standard error, where the process tells all else.
    convenience init(_ diagnostics: Diagnostics) {
        self.init { line in
            diagnostics.log("audit \(line)")
            return true
        }
    }
}
