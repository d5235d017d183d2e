import Testing

@testable import Transcoding

/// Held against protobuf's own json_format, whose answers are in `jsonFixtures`.
@Suite("The JSON of protobuf")
struct JSONMappingTests {
    @Test("protobuf is printed as json_format prints it", arguments: jsonFixtures)
    func prints(_ fixture: JSONFixture) throws {
        let expected = String(decoding: decoded(fixture.json), as: UTF8.self)
        let printed = try print(decoded(fixture.protobuf), as: fixture.message)
        #expect(try isSame(printed, expected), "\(printed)\nshould be\n\(expected)")
    }

    @Test("JSON of json_format means the message that it was made of", arguments: jsonFixtures)
    func encodes(_ fixture: JSONFixture) throws {
        let encoded = try encode(decoded(fixture.json), as: fixture.message)
        let printed = try print(encoded, as: fixture.message)
        let expected = String(decoding: decoded(fixture.json), as: UTF8.self)
        #expect(try isSame(printed, expected), "\(printed)\nshould be\n\(expected)")
    }

    @Test(
        "what is lenient in JSON means the same as what is canonical",
        arguments: [
            (#"{"an_int32":5}"#, #"{"anInt32":5}"#), (#"{"anInt32":"5"}"#, #"{"anInt32":5}"#),
            (#"{"anInt32":5.0}"#, #"{"anInt32":5}"#),
            (#"{"anInt32":5e2}"#, #"{"anInt32":500}"#), (#"{"anInt64":9007199254740993}"#, #"{"anInt64":"9007199254740993"}"#),
            (#"{"aUint64":18446744073709551615}"#, #"{"aUint64":"18446744073709551615"}"#),
            (#"{"aUint64":"18446744073709551615.000"}"#, #"{"aUint64":"18446744073709551615"}"#),
            (#"{"someBytes":"-_"}"#, #"{"someBytes":"+w=="}"#), (#"{"someBytes":"+\/8="}"#, #"{"someBytes":"+/8="}"#),
            (#"{"colour":1}"#, #"{"colour":"COLOUR_RED"}"#), (#"{"colour":77}"#, #"{"colour":77}"#),
            (#"{"alias":"ALIAS_SECOND"}"#, #"{"alias":"ALIAS_FIRST"}"#),
            (#"{"aString":"\ud83d\ude00\u0000"}"#, #"{"aString":"😀\u0000"}"#), (#"{"\u0061Bool":true}"#, #"{"aBool":true}"#),
            (#"{"aBool":null,"strings":null,"child":null,"choice":null}"#.replacing(#","choice":null"#, with: ""), "{}"),
            (#"{"chosenNumber":null,"chosenText":"a"}"#, #"{"chosenText":"a"}"#),
            (#"{"chosenNull":null}"#, #"{"chosenNull":null}"#),
            (#"{"value":null}"#, #"{"value":null}"#), (#"{"anInt32":0,"aString":"","maybeInt64":0}"#, #"{"maybeInt64":"0"}"#),
            (#"{"timestamp":"2006-01-02T15:04:05.5+07:00"}"#, #"{"timestamp":"2006-01-02T08:04:05.500Z"}"#),
            (
                #"{"any":{"value":"1.5s","@type":"x/google.protobuf.Duration"}}"#,
                #"{"any":{"@type":"x/google.protobuf.Duration","value":"1.500s"}}"#
            ),
            (
                #"{"any":{"name":"b","@type":"x/martlet.kinds.v1.Book"}}"#,
                #"{"any":{"@type":"x/martlet.kinds.v1.Book","name":"b"}}"#
            ),
            (#"{"any":{}}"#, #"{"any":{}}"#),
            (#"{"aDouble":"-Infinity","aFloat":"NaN"}"#, #"{"aDouble":"-Infinity","aFloat":"NaN"}"#),
            (
                #"{"aDouble":1e22,"doubles":[0.1,123456789012345678901234567890]}"#,
                #"{"aDouble":1e22,"doubles":[0.1,1.2345678901234568e29]}"#
            ),
            (#" { "strings" : [ "a" , "b" ] } "#, #"{"strings":["a","b"]}"#), (#"{"other-name":"a"}"#, #"{"renamed":"a"}"#),
        ])
    func leniencies(json: String, canonical: String) throws {
        let left = try print(encode(Array(json.utf8), as: "martlet.kinds.v1.Kinds"), as: "martlet.kinds.v1.Kinds")
        let right = try print(encode(Array(canonical.utf8), as: "martlet.kinds.v1.Kinds"), as: "martlet.kinds.v1.Kinds")
        #expect(try isSame(left, right), "\(left) is not \(right)")
    }

    @Test(
        "a wrong body is refused with the path of the field",
        arguments: [
            ("{", "", Problem.endsTooEarly), ("", "", .endsTooEarly), ("{} x", "", .trailingBytes), ("[]", "", .expectedObject),
            (#"{"nope":1}"#, "nope", .unknownMember), (#"{"child":{"child":{"nope":1}}}"#, "child.child.nope", .unknownMember),
            (#"{"aBool":true,"aBool":true}"#, "aBool", .duplicateMember),
            (#"{"aBool":true,"a_bool":true}"#, "aBool", .duplicateMember),
            (#"{"chosenNumber":1,"chosenText":"a"}"#, "chosenText", .oneofConflict),
            (#"{"stringsByString":{"k":"a","k":"b"}}"#, #"stringsByString["k"]"#, .duplicateKey),
            (#"{"structure":{"k":1,"\u006b":2}}"#, "structure.k", .duplicateKey),
            (#"{"kindsByInt32":{"7":{"aBool":1}}}"#, #"kindsByInt32["7"].aBool"#, .expectedBoolean),
            (#"{"kindsByInt32":{"x":{}}}"#, #"kindsByInt32["x"]"#, .expectedInteger),
            (#"{"children":[{},{"anInt32":"x"}]}"#, "children[1].anInt32", .expectedInteger),
            (#"{"anInt32":2147483648}"#, "anInt32", .outOfRange), (#"{"anInt32":1.5}"#, "anInt32", .expectedInteger),
            (#"{"aUint32":-1}"#, "aUint32", .outOfRange), (#"{"anInt64":9223372036854775808}"#, "anInt64", .outOfRange),
            (#"{"aDouble":1e309}"#, "aDouble", .outOfRange), (#"{"aFloat":1e39}"#, "aFloat", .outOfRange),
            (#"{"anInt32":01}"#, "anInt32", .badNumber), (#"{"anInt32":true}"#, "anInt32", .expectedNumber),
            (#"{"strings":[1]}"#, "strings[0]", .expectedString), (#"{"strings":["a",null]}"#, "strings[1]", .nullElement),
            (#"{"strings":"a"}"#, "strings", .expectedArray), (#"{"someBytes":"a"}"#, "someBytes", .badBase64),
            (#"{"someBytes":"a!=="}"#, "someBytes", .badBase64), (#"{"colour":"BLUE"}"#, "colour", .unknownEnumValue),
            (#"{"colours":["COLOUR_RED","BLUE"]}"#, "colours[1]", .unknownEnumValue),
            (#"{"timestamp":"2006-02-30T00:00:00Z"}"#, "timestamp", .badTimestamp),
            (#"{"timestamp":"2006-01-02T15:04:05"}"#, "timestamp", .badTimestamp),
            (#"{"duration":"1"}"#, "duration", .badDuration), (#"{"duration":"1.0000000001s"}"#, "duration", .badDuration),
            (#"{"fieldMask":"a_b"}"#, "fieldMask", .badFieldMask), (#"{"any":{"a":1}}"#, "any", .missingType),
            (#"{"any":{"@type":"x/Unknown"}}"#, "any", .unknownType), (#"{"aString":"\ud800"}"#, "aString", .loneSurrogate),
            (#"{"aString":"\x"}"#, "aString", .badEscape), ("{\"aString\":\"\u{1}\"}", "aString", .controlCharacter),
            (
                #"{"any":{"@type":"x/google.protobuf.Duration","@type":"x/google.protobuf.Duration"}}"#, "any.@type",
                .duplicateMember
            ),
            (#"{"any":{"@type":"x/martlet.kinds.v1.Book","@type":"x/martlet.kinds.v1.Book"}}"#, "any.@type", .duplicateMember),
        ])
    func refusals(json: String, path: String, problem: Problem) {
        #expect(throws: TranscodingFailure(.request, problem, at: path)) {
            try encode(Array(json.utf8), as: "martlet.kinds.v1.Kinds")
        }
    }

    @Test(
        "text that is no UTF-8 is refused, wherever it is cut",
        arguments: [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
        ] as [[UInt8]])
    func badText(bytes: [UInt8]) {
        for padding in 0..<9 {
            let json =
                Array(#"{"aString":""#.utf8) + Array(repeating: UInt8(ascii: "a"), count: padding) + bytes + Array(#""}"#.utf8)
            #expect(throws: TranscodingFailure(.request, .notUTF8, at: "aString")) {
                try encode(json, as: "martlet.kinds.v1.Kinds")
            }
        }
    }

    @Test("nesting is taken at the limit and refused one above it")
    func depth() throws {
        let options = lenient { $0.depthMax = 10 }
        func nested(_ levels: Int) -> [UInt8] {
            Array((String(repeating: #"{"child":"#, count: levels - 1) + "{}" + String(repeating: "}", count: levels - 1)).utf8)
        }
        let deepest = try encode(nested(10), as: "martlet.kinds.v1.Kinds", options: options)
        #expect(try print(deepest, as: "martlet.kinds.v1.Kinds", options: options).utf8.elementsEqual(nested(10)))
        #expect(throws: TranscodingFailure.self) { try encode(nested(11), as: "martlet.kinds.v1.Kinds", options: options) }
        let deeper = try encode(nested(11), as: "martlet.kinds.v1.Kinds")
        #expect(throws: TranscodingFailure.self) { try print(deeper, as: "martlet.kinds.v1.Kinds", options: options) }
        let lists = Array((#"{"list":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}").utf8)
        #expect(throws: TranscodingFailure.self) { try encode(lists, as: "martlet.kinds.v1.Kinds") }
        let unknown = lenient { $0.ignoresUnknown = true }
        let ignored = Array((#"{"x":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}").utf8)
        #expect(throws: TranscodingFailure.self) { try encode(ignored, as: "martlet.kinds.v1.Kinds", options: unknown) }
    }

    @Test(
        "messages that JSON does not show count as deep as parsers of protobuf see them",
        arguments: [
            // A map's entry and its value; a list and each of its values; of a Struct an entry and a value besides.
            (#"{"kindsByInt32":{"1":"#, "{}", "}}", 4, String(repeating: #".kindsByInt32["1"]"#, count: 5)),
            ("[", "", "]", 5, "list[0][0][0][0][0]"), (#"{"k":"#, "{}", "}", 2, "structure.k.k.k"),
        ])
    func hiddenDepth(open: String, core: String, close: String, most: Int, path: String) throws {
        let options = lenient { $0.depthMax = 10 }
        func nested(_ levels: Int) -> [UInt8] {
            let inner = String(repeating: open, count: levels) + core + String(repeating: close, count: levels)
            return Array((open == "[" ? #"{"list":\#(inner)}"# : open.contains("kinds") ? inner : #"{"structure":\#(inner)}"#).utf8)
        }
        _ = try encode(nested(most), as: "martlet.kinds.v1.Kinds", options: options)
        #expect(throws: TranscodingFailure(.request, .tooDeep, at: String(path.trimmingPrefix(".")))) {
            try encode(nested(most + 1), as: "martlet.kinds.v1.Kinds", options: options)
        }
    }

    @Test("objects whose @type comes last, inside each other, are not read again and again")
    func lateTypes() {
        var json = #"{"@type":"x/martlet.kinds.v1.Book"}"#
        for _ in 0..<60 { json = #"{"value":"# + json + #","@type":"x/google.protobuf.Any"}"# }
        #expect(throws: TranscodingFailure.self) { try encode(Array(#"{"any":\#(json)}"#.utf8), as: "martlet.kinds.v1.Kinds") }
    }

    @Test("what the schema does not know is passed over where the options say so")
    func ignoring() throws {
        let options = lenient { $0.ignoresUnknown = true }
        let json = #"{"x":{"y":[1,"\"",{}]},"aBool":true,"colour":"BLUE","colours":["BLUE","COLOUR_RED"]}"#
        let encoded = try encode(Array(json.utf8), as: "martlet.kinds.v1.Kinds", options: options)
        #expect(try print(encoded, as: "martlet.kinds.v1.Kinds") == #"{"aBool":true,"colours":["COLOUR_RED"]}"#)
        #expect(throws: TranscodingFailure(.request, .unexpectedByte, at: "x")) {
            try encode(Array(#"{"x":[1,]}"#.utf8), as: "martlet.kinds.v1.Kinds", options: options)
        }
    }

    @Test("required fields, groups and extensions of proto2 are understood")
    func proto2() throws {
        #expect(throws: TranscodingFailure(.request, .requiredMissing, at: "id")) {
            try encode(Array("{}".utf8), as: "martlet.kinds.v2.Old")
        }
        #expect(throws: TranscodingFailure(.request, .requiredMissing, at: "child.id")) {
            try encode(Array(#"{"id":1,"child":{}}"#.utf8), as: "martlet.kinds.v2.Old")
        }
        #expect(throws: TranscodingFailure(.request, .unknownEnumValue, at: "closed")) {
            try encode(Array(#"{"id":1,"closed":9}"#.utf8), as: "martlet.kinds.v2.Old")
        }
        let json =
            #"{"id":1,"pair":{"left":"a","right":"2"},"many":[{"number":3}],"[martlet.kinds.v2.extra]":4,"[martlet.kinds.v2.Old.inner]":"b"}"#
        let encoded = try encode(Array(json.utf8), as: "martlet.kinds.v2.Old")
        #expect(encoded.starts(with: [0x08, 1, 0x3B, 0x0A, 1, 0x61, 0x10, 2, 0x3C, 0x43, 0x08, 3, 0x44]))
        #expect(try isSame(print(encoded, as: "martlet.kinds.v2.Old"), json))
    }
}
