/// What is never shown in a message.
enum SecretNames {
    private static let words = [
        "pass", "pwd", "secret", "token", "key", "cred", "auth", "jwt", "pin", "sign", "priv", "cookie", "dsn",
    ]

    /// Whether a key or variable is called as secrets are.
    static func suggests(_ name: String) -> Bool {
        let name = name.lowercased()
        return words.contains(where: name.contains)
    }

    /// Credentials in a URL, PEM, or a long text without a blank that is neither a path, a name nor a number.
    static func looksSecret(_ value: String) -> Bool {
        if value.contains("@") || value.contains("-----BEGIN") || value.contains("://") { return true }
        let isPlain = value.utf8.allSatisfy { Letters.isLetterOrDigit($0) || "-._/:, ".utf8.contains($0) }
        return !isPlain || (value.utf8.count > 24 && !value.contains { "./: ".contains($0) })
    }
}
