internal import Config
internal import Protobuf

/// Finds what a person meant by a method's or symbol's name.
enum MethodChoice {
    /// A method by `pkg.Service/Method`, `/pkg.Service/Method` or `pkg.Service.Method`: its place in the schema, or what
    /// was expected instead.
    static func find(_ text: String, in schema: Schema) -> Result<Int, Mistake> {
        let name = plain(text)
        if let index = schema.methods.firstIndex(where: { $0.fullName == name }) { return .success(index) }
        let names = schema.methods.map { "\($0.serviceName)/\($0.name)" }
        if let service = schema.services.first(where: { $0.fullName == name }) {
            let methods = service.methods.map { schema.methods[$0].name }
            return .failure(Mistake("\(Quoted.text(text)) is a service; its methods are \(methods.joined(separator: ", "))"))
        }
        return .failure(Mistake("there is no method \(Quoted.text(text))\(hint(for: text, among: names))"))
    }

    struct Mistake: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// `; did you mean …?`: the nearest spelling, else those that end alike.
    static func hint(for text: String, among names: [String]) -> String {
        let name = plain(text)
        if let near = names.first(where: { plain($0).lowercased() == name.lowercased() }) ?? nearest(to: name, among: names) {
            return "; did you mean \(Quoted.text(near))?"
        }
        let last = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        let alike = names.filter { plain($0).split(separator: ".").last?.lowercased() == last }
        return (1...3).contains(alike.count) ? "; did you mean \(Quoted.alternatives(alike.map { Quoted.text($0) }))?" : ""
    }

    /// Whole names are too long to be compared letter by letter: their parts are, of those with equally many.
    private static func nearest(to name: String, among names: [String]) -> String? {
        let parts = name.split(separator: ".")
        return names.first { candidate in
            let other = plain(candidate).split(separator: ".")
            guard other.count == parts.count else { return false }
            return zip(parts, other).allSatisfy { $0 == $1 || Spelling.nearest(to: String($0), among: [String($1)]) != nil }
        }
    }

    private static func plain(_ text: String) -> String {
        (text.hasPrefix("/") || text.hasPrefix(".") ? String(text.dropFirst()) : text)
            .split(separator: "/", omittingEmptySubsequences: false).joined(separator: ".")
    }
}
