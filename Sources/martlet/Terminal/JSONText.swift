import Bytes
import JSON

/// JSON over several lines, two spaces a level; numbers as they were written.
enum JSONText {
    static func write(_ value: JSONValue, indent: Int = 0, into text: inout ByteBuffer) {
        func newLine(_ level: Int) { text.append("\n" + String(repeating: " ", count: level)) }
        switch value.kind {
        case .array where value.count > 0:
            text.append("[")
            for (index, element) in value.elements.enumerated() {
                if index > 0 { text.append(",") }
                newLine(indent + 2)
                write(element, indent: indent + 2, into: &text)
            }
            newLine(indent)
            text.append("]")
        case .object where value.count > 0:
            text.append("{")
            for (index, member) in value.members.enumerated() {
                if index > 0 { text.append(",") }
                newLine(indent + 2)
                member.name.withText { JSONWriter.quote($0, &text) }
                text.append(": ")
                write(member.value, indent: indent + 2, into: &text)
            }
            newLine(indent)
            text.append("}")
        default:
            var json = JSONWriter()
            json.value(value, &text)
        }
    }
}
