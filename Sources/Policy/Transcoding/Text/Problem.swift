/// What is wrong at one place of a message. The place is kept beside it, so that throwing one costs nothing to prepare.
enum Problem: Error, Hashable {
    // The text
    case endsTooEarly, unexpectedByte, badNumber, badEscape, loneSurrogate, controlCharacter, notUTF8, trailingBytes
    // The size
    case tooDeep, numberTooLong
    // The members
    case unknownMember, duplicateMember, duplicateKey, oneofConflict, requiredMissing, boundElsewhere, bodyUnexpected
    // The values
    case expectedObject, expectedArray, expectedString, expectedNumber, expectedInteger, expectedBoolean, outOfRange, nullElement
    case badBase64, unknownEnumValue, badTimestamp, badDuration, badFieldMask, missingType, unknownType, badKey
    // The query and the path
    case notInQuery, inBody, givenTwice, badPercent
    // Protobuf that came from upstream
    case badWire, unprintable

    var text: StaticString {
        switch self {
        case .endsTooEarly: "the JSON ends too early"
        case .unexpectedByte: "unexpected character"
        case .badNumber: "malformed number"
        case .badEscape: "malformed escape"
        case .loneSurrogate: "surrogate without its other half"
        case .controlCharacter: "control character in a string"
        case .notUTF8: "invalid UTF-8"
        case .trailingBytes: "characters after the JSON value"
        case .tooDeep: "nested deeper than the limit"
        case .numberTooLong: "a number of too many digits"
        case .unknownMember: "no such field"
        case .duplicateMember: "given twice"
        case .duplicateKey: "key given twice"
        case .oneofConflict: "another field of the same oneof is given too"
        case .requiredMissing: "a required field is missing"
        case .boundElsewhere: "the path of the request gives another value"
        case .bodyUnexpected: "this method takes no body"
        case .expectedObject: "expected an object"
        case .expectedArray: "expected an array"
        case .expectedString: "expected a string"
        case .expectedNumber: "expected a number"
        case .expectedInteger: "expected an integer"
        case .expectedBoolean: "expected true or false"
        case .outOfRange: "out of the range of the field's type"
        case .nullElement: "null is no element"
        case .badBase64: "expected base64"
        case .unknownEnumValue: "no value of the enum"
        case .badTimestamp: "expected a time such as 2006-01-02T15:04:05Z"
        case .badDuration: "expected a duration such as 1.5s"
        case .badFieldMask: "expected field names in lowerCamelCase, joined by commas"
        case .missingType: "expected the member @type"
        case .unknownType: "@type names no message of the schema"
        case .badKey: "no key of the map's type"
        case .notInQuery: "cannot be given in the query"
        case .inBody: "belongs into the body"
        case .givenTwice: "given twice"
        case .badPercent: "malformed percent escape"
        case .badWire: "malformed protobuf"
        case .unprintable: "has no JSON form"
        }
    }
}

/// Why a body or an answer cannot be transcoded.
package struct TranscodingFailure: Error, Hashable, Sendable {
    package enum Kind: Sendable {
        /// The caller's message is wrong: 400.
        case request
        /// The caller's message is over the limit: 413.
        case requestTooLarge
        /// What came from upstream is wrong: 500.
        case response
        /// What came from upstream is over the limit: 500.
        case responseTooLarge
    }

    package let kind: Kind
    /// The field by its JSON names, such as `items[2].labels["a"].at`; empty for the whole message.
    package let path: String
    package let problem: String

    package init(kind: Kind, path: String = "", problem: String) {
        self.kind = kind
        self.path = path
        self.problem = problem
    }

    init(_ kind: Kind, _ problem: Problem, at path: String) {
        self.init(kind: kind, path: path, problem: "\(problem.text)")
    }
}
