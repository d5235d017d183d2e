package import HTTPModel

extension FieldBlock {
    /// Whether a Connection field names `name` (lower case): such a field is for this hop only and is not forwarded
    /// (RFC 9110, section 7.6.1).
    package func connectionNominates(_ name: UnsafeRawBufferPointer) -> Bool {
        for index in 0..<count where fields[index].token == .connection {
            var members = ListMembers(fields[index].valueBytes)
            while let member = members.next() {
                if HTTPGrammar.equalsIgnoringCase(member, name) { return true }
            }
        }
        return false
    }
}
