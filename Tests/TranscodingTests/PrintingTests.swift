import Testing

@testable import Transcoding

@Suite("Protobuf that is not as serializers write it")
struct PrintingTests {
    @Test(
        "fields that come apart or twice are gathered, merged or replaced",
        arguments: [
            // strings, 39: two elements with another field between them.
            ([0xBA, 0x02, 1, 0x61, 0x40, 1, 0xBA, 0x02, 1, 0x62], #"{"aBool":true,"strings":["a","b"]}"#),
            // int32s, 35: packed and not, apart.
            ([0x9A, 0x02, 2, 1, 2, 0x40, 1, 0x98, 0x02, 3], #"{"aBool":true,"int32s":[1,2,3]}"#),
            ([0x9A, 0x02, 2, 1, 2, 0x98, 0x02, 3], #"{"int32s":[1,2,3]}"#), ([0x9A, 0x02, 0], "{}"),
            // an_int32, 5: the last counts.
            ([0x28, 1, 0x28, 2], #"{"anInt32":2}"#), ([0x28, 1, 0x28, 0], "{}"),
            // child, 18: parts merge.
            ([0x92, 0x01, 2, 0x28, 1, 0x92, 0x01, 2, 0x40, 1], #"{"child":{"anInt32":1,"aBool":true}}"#),
            // chosen_number, 71, then chosen_text, 72, and the first again.
            ([0xB8, 0x04, 1, 0xC2, 0x04, 1, 0x61], #"{"chosenText":"a"}"#),
            ([0xB8, 0x04, 1, 0xC2, 0x04, 1, 0x61, 0xB8, 0x04, 2], #"{"chosenNumber":2}"#),
            // strings_by_string, 51: of equal keys the last value counts; a missing key is the empty one.
            (
                [0x9A, 0x03, 6, 0x0A, 1, 0x6B, 0x12, 1, 0x61, 0x9A, 0x03, 6, 0x0A, 1, 0x6B, 0x12, 1, 0x62],
                #"{"stringsByString":{"k":"b"}}"#
            ),
            ([0x9A, 0x03, 0, 0x9A, 0x03, 5, 0x0A, 0, 0x12, 1, 0x62], #"{"stringsByString":{"":"b"}}"#),
            // Unknown fields: a number, a text, a group.
            ([0xA0, 0x06 + 0x40, 1, 0x28, 1], #"{"anInt32":1}"#), ([0xA3, 0x7D, 0x08, 1, 0xA4, 0x7D, 0x28, 1], #"{"anInt32":1}"#),
            // A field of another wire type is unknown.
            ([0x2A, 1, 0x61], "{}"),
        ] as [([UInt8], String)])
    func scattered(wire: [UInt8], json: String) throws {
        let printed = try print(wire, as: "martlet.kinds.v1.Kinds")
        #expect(try isSame(printed, json), "\(printed) is not \(json)")
    }

    @Test(
        "malformed protobuf is refused",
        arguments: [
            [0x28], [0x28, 0x80], [0x4A, 5, 0x61], [0x09, 1, 2], [0x92, 0x01, 2, 0x28, 0x80], [0x00, 1], [0x07], [0x0C],
            [0xA3, 0x7D, 0x08, 1],
            [0x4A, 1, 0xFF], [0x28, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
        ] as [[UInt8]])
    func malformed(wire: [UInt8]) {
        #expect(throws: TranscodingFailure.self) { try print(wire, as: "martlet.kinds.v1.Kinds") }
    }

    @Test("the options change names, enums and defaults")
    func options() throws {
        let wire: [UInt8] = [0x08, 1, 0x1A, 1, 0x61]
        let all = lenient {
            $0.printsDefaults = true; $0.keepsProtoNames = true; $0.printsEnumsAsNumbers = true
        }
        let printed = try print([0x20, 1], as: "martlet.kinds.v1.Book", options: all)
        #expect(
            printed == #"{"cover":1,"name":"","title":"","pages":0,"tags":[],"labels":{}}"#)
        #expect(try print([0x20, 1], as: "martlet.kinds.v1.Book") == #"{"cover":"COLOUR_RED"}"#)
        #expect(try print([0x5A, 0] + wire.prefix(0), as: "martlet.kinds.v3.New", options: all).contains("implicit_number"))
    }

    @Test("an Any of a type that the schema lacks keeps its bytes")
    func unknownAny() throws {
        let wire: [UInt8] = [0x0A, 3, 0x78, 0x2F, 0x59, 0x12, 2, 8, 1]
        #expect(try print(wire, as: "google.protobuf.Any") == #"{"@type":"x/Y","value":"CAE="}"#)
    }
}
