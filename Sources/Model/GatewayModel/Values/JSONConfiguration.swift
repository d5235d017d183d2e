package import Transcoding

/// How a route's JSON is read and written; what is not said is as the canonical mapping of proto3 has it.
package struct JSONConfiguration: Sendable, Equatable {
    package var names = Names.json
    package var enums = Enums.names
    package var defaults = Defaults.omit
    package var unknownFields = UnknownFields.refuse
    package var unknownParameters = UnknownFields.refuse
    package var streams = Streams.array
    package var isPretty = false
    package var untypedBodies = UntypedBodies.refuse

    /// `lowerCamelCase`, or as the proto file has them.
    package enum Names: String, CaseIterable, Sendable { case json, proto }
    package enum Enums: String, CaseIterable, Sendable { case names, numbers }
    /// Of fields that cannot tell whether they were given.
    package enum Defaults: String, CaseIterable, Sendable { case omit, print }
    /// Members of the body, or parameters of the query, that no field has.
    package enum UnknownFields: String, CaseIterable, Sendable { case refuse, ignore }

    /// Answers of methods that stream, where the caller's `accept` names none of them.
    package enum Streams: String, CaseIterable, Sendable { case array, lines, events }
    /// Bodies without a content type.
    package enum UntypedBodies: String, CaseIterable, Sendable { case refuse, read }

    package init() {}

    package func change(_ options: inout TranscodingOptions) {
        options.keepsProtoNames = names == .proto
        options.printsEnumsAsNumbers = enums == .numbers
        options.printsDefaults = defaults == .print
        options.ignoresUnknown = unknownFields == .ignore
        options.ignoresUnknownParameters = unknownParameters == .ignore
        options.isPretty = isPretty
        options.readsUntypedBodies = untypedBodies == .read
        options.streamForm =
            switch streams {
            case .array: .array
            case .lines: .lines
            case .events: .events
            }
    }
}
