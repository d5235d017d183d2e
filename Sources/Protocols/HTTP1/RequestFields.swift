internal import HTTPModel

extension FieldBlock {
    /// Makes of an HTTP/1.1 head what HTTP/2 would have brought (RFC 9113, sections 8.2.2 and 8.3.1): the first three
    /// fields, which were left free, become `:method`, `:scheme` and `:path`, Host becomes `:authority`, and what concerns
    /// this hop only is gone.
    mutating func removeVersionSpecifics(_ head: RequestHead, isSecure: Bool) {
        replace(0, with: Field(":method", value: head.methodName, token: .method))
        replace(1, with: Field(":scheme", isSecure ? "https" : "http", token: .scheme))
        replace(2, with: Field(":path", value: head.target, token: .path))
        var host: Int?
        for index in 3..<count where fields[index].token == .host { host = index }
        let authority = Field(":authority", value: head.authority, token: .authority)
        if let host { replace(host, with: authority) } else if !head.authority.isEmpty { append(authority) }
        removeHopFields()
    }

    /// Takes out what concerns this hop only: before anything is appended that a Connection field must not name.
    mutating func removeHopFields() {
        if first(.connection) != nil { removeNominated() }
        removeAll { field in
            switch field.token {
            case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te, .expect: true
            default: false
            }
        }
    }

    /// What Connection names, while Connection is there: removing moves fields to the places of those that are gone. Names that we
    /// know are for everyone, whatever it says: else a caller could have fields of proxies before us taken away.
    private mutating func removeNominated() {
        let fields = self
        removeAll { $0.token == .other && fields.connectionNominates($0.nameBytes) }
    }
}
