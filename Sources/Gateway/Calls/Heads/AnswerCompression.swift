package import Bytes
package import HTTPModel
package import Snapshots

/// Whether the answer of a plain HTTP backend is compressed on its way, and what its head says then.
package enum AnswerCompression {
    /// The answer to some requests would be compressed, so all of them vary by `accept-encoding`.
    ///
    /// Not what has no body, is a part of one, is encoded already, may not be transformed (RFC 9111, section 5.2.2.6), or is too short.
    package static func mayCompress(_ fields: FieldList, status: Int, by policy: GzipPolicy) -> Bool {
        guard status >= 200, status != 204, status != 205, status != 206, !isFixed(fields) else { return false }
        // A 304 says what the 200 would have said (RFC 9110, section 15.4.5), as far as it says anything.
        var hasType = status == 304
        for field in fields {
            switch field.token {
            case .contentType:
                guard policy.takes(contentType: field.valueBytes) else { return false }
                hasType = true
            case .contentLength where status != 304:
                if let length = field.number?.exactly(in: 0 ... .max), length < UInt64(policy.bytesMin) { return false }
            default: break
            }
        }
        return hasType
    }

    /// It is encoded already, is a part of an answer, or may not be transformed.
    package static func isFixed(_ fields: FieldList) -> Bool {
        fields.contains { field in
            switch field.token {
            case .contentEncoding: !HTTPGrammar.equalsIgnoringCase(field.valueBytes, "identity")
            case .other: field.nameBytes.equals("content-range")
            default: false
            }
        } || forbidsTransformation(fields)
    }

    /// A request may say so, too (RFC 9111, sections 5.2.1.6 and 5.2.2.6).
    package static func forbidsTransformation(_ fields: FieldList) -> Bool {
        fields.contains { $0.token == .other && $0.nameBytes.equals("cache-control") && names($0.valueBytes, "no-transform") }
    }

    /// Answers that set a cookie are as secret as those to a request with one.
    package static func setsCookie(_ fields: FieldList) -> Bool {
        fields.contains { $0.token == .other && $0.nameBytes.equals("set-cookie") }
    }

    /// Requests whose answers are not compressed unless the route says so: they carry a credential.
    package static func hasCredentials(_ fields: FieldList) -> Bool {
        fields.contains { $0.token == .cookie || $0.token == .authorization }
    }

    /// Tells caches that the answer differs by `accept-encoding`, if it does not already.
    package static func vary(_ answer: inout FieldWriter) {
        var present: BorrowedBytes?
        for field in answer.written where field.token == .other && field.nameBytes.equals("vary") {
            if names(field.valueBytes, "accept-encoding") || names(field.valueBytes, "*") { return }
            if present == nil { present = field.valueBytes }
        }
        guard let present, !present.isEmpty else { return answer.put(Field("vary", "accept-encoding", token: .other)) }
        var isFirst = true
        answer.removeAll { field in
            guard isFirst, field.token == .other, field.nameBytes.equals("vary") else { return false }
            isFirst = false
            return true
        }
        var merged = ByteBuffer(capacity: present.count + 17)
        merged.append(present)
        merged.append(", accept-encoding")
        answer.put("vary", merged.readable, token: .other)
    }

    /// Makes the head one of a compressed answer: without the fields that describe the uncompressed bytes, and with a weak tag.
    package static func describe(_ answer: inout FieldWriter) {
        weaken(&answer) { _ in true }
        answer.removeAll { field in
            field.token == .contentLength || field.token == .contentEncoding || describesBytes(field)
        }
        answer.put(Field("content-encoding", "gzip", token: .contentEncoding))
    }

    /// Makes the tag of a 304 weak where the caller has asked with the weak one: its 200 was compressed.
    package static func matchTag(_ answer: inout FieldWriter, toRequest fields: FieldList) {
        weaken(&answer) { tag in
            fields.contains { field in
                field.token == .other && field.nameBytes.equals("if-none-match")
                    && hasMember(field.valueBytes) { $0.starts(with: "W/".utf8) && $0.dropFirst(2).elementsEqual(tag) }
            }
        }
    }

    /// Fields that describe the bytes of a body as the backend sent them.
    private static let byteDescriptions: [StaticString] = [
        "accept-ranges", "content-md5", "content-digest", "repr-digest", "digest",
    ]

    private static func describesBytes(_ field: Field) -> Bool {
        field.token == .other && byteDescriptions.contains { field.nameBytes.equals($0) }
    }

    /// Whether a trailer describes the uncompressed body, and so is dropped. An `etag` is one: a recipient that has read a head without a tag
    /// treats the answer as untagged, so that making it weak here, as is done in heads, would come too late.
    package static func describesPlainBody(_ trailer: Field) -> Bool {
        describesBytes(trailer) || trailer.token == .other && trailer.nameBytes.equals("etag")
    }

    /// Two encodings of one thing are not equal byte by byte (RFC 9110, section 8.8.3.3).
    private static func weaken(_ answer: inout FieldWriter, where isMeant: (BorrowedBytes) -> Bool) {
        guard let tag = answer.written.first(where: { $0.token == .other && $0.nameBytes.equals("etag") })?.valueBytes,
            tag.first == UInt8(ascii: "\""), isMeant(tag)
        else { return }
        answer.removeAll { $0.token == .other && $0.nameBytes.equals("etag") }
        var weak = ByteBuffer(capacity: tag.count + 2)
        weak.append("W/")
        weak.append(tag)
        answer.put("etag", weak.readable, token: .other)
    }

    /// Whether a list has the member.
    private static func names(_ list: BorrowedBytes, _ wanted: StaticString) -> Bool {
        hasMember(list) { HTTPGrammar.equalsIgnoringCase($0, wanted) }
    }

    /// Whether a list has a member whose first word fits.
    private static func hasMember(_ list: BorrowedBytes, _ fits: (BorrowedBytes) -> Bool) -> Bool {
        var members = ListMembers(list)
        while let member = members.next() {
            if fits(BorrowedBytes(rebasing: member.prefix { $0 != 0x20 && $0 != 0x09 })) { return true }
        }
        return false
    }
}
