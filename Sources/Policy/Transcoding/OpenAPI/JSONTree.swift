internal import Bytes
internal import JSON

/// JSON being put together, members in the order given. Off every request's way.
enum JSONTree: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    case text(String)
    case number(Int64)
    case truth(Bool)
    case list([JSONTree])
    case object([(name: String, value: JSONTree)])

    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int64) { self = .number(value) }
    init(booleanLiteral value: Bool) { self = .truth(value) }
    init(arrayLiteral elements: JSONTree...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, JSONTree)...) { self = .object(elements.map { ($0.0, $0.1) }) }

    /// Adds a member to an object.
    mutating func add(_ name: String, _ value: JSONTree) {
        guard case .object(let members) = self else { preconditionFailure("only objects have members") }
        self = .object(members + [(name, value)])
    }

    func adding(_ name: String, _ value: JSONTree) -> JSONTree {
        var tree = self
        tree.add(name, value)
        return tree
    }

    func write(_ writer: inout JSONWriter, _ buffer: inout ByteBuffer) {
        switch self {
        case .text(let text): writer.string(text, &buffer)
        case .number(let number): writer.number(number, &buffer)
        case .truth(let truth): writer.boolean(truth, &buffer)
        case .list(let elements):
            writer.beginArray(&buffer)
            for element in elements { element.write(&writer, &buffer) }
            writer.endArray(&buffer)
        case .object(let members):
            writer.beginObject(&buffer)
            for member in members {
                writer.key(member.name, &buffer)
                member.value.write(&writer, &buffer)
            }
            writer.endObject(&buffer)
        }
    }
}
