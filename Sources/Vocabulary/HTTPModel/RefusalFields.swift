internal import Bytes

extension UnsafeBufferPointer<Field> {
    /// How much of a field is kept for a refusal though the request's head is too large already: of what tells the caller's protocol,
    /// and who may read the answer, each once. `nil` for none of it. The same in both versions of HTTP.
    /// These are the fields of the section that were kept already.
    package func bytesKeptForRefusal(of name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ token: FieldToken) -> Int?
    {
        let kept: Int
        switch token {
        case .contentType, .userAgent: kept = min(value.count, 256)
        // A part of these would name another.
        case .authority, .host: kept = value.count
        case .other where name.equals("origin"): kept = value.count
        // That they are there is enough.
        case .other where name.equals("connect-protocol-version") || name.equals("connect-timeout-ms"): kept = min(value.count, 32)
        default: return nil
        }
        guard kept <= 512, !holds(name, token) else { return nil }
        return kept
    }

    /// Those without a token have their names compared.
    package func holds(_ name: UnsafeRawBufferPointer, _ token: FieldToken) -> Bool {
        for field in self where field.token == token {
            if token != .other || field.nameBytes.equals(name) { return true }
        }
        return false
    }
}
