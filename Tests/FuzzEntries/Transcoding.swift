import Bytes
import Protobuf
import Transcoding

extension FuzzEntry {
    static let transcoding: [FuzzEntry] = [
        FuzzEntry("numbers in JSON", inputs: 6000) { input in Transcoded.numbers.runNumbers(&input) },
        FuzzEntry("times in JSON") { input in Transcoded.times.runTimes(&input) },
    ]
}

/// A message with a field of every kind of number, read from JSON and query, and written back.
private final class Transcoded: @unchecked Sendable {
    /// Each is used by one entry, which runs on one thread.
    static let numbers = Transcoded()
    static let times = Transcoded()
    private let plan: TranscodingPlan
    private let match = BindingMatch()
    private var output = ByteBuffer()
    private let types: [UInt64] = [1, 2, 3, 4, 5, 6, 7, 13, 15, 16, 17, 18]

    init() {
        var message = ByteWriter()
        message.field(1, text: "M")
        for (index, type) in types.enumerated() { message.field(2, bytes: Self.field("f\(index)", UInt64(index) + 1, type, nil)) }
        message.field(2, bytes: Self.field("t", 20, 11, ".google.protobuf.Timestamp"))
        message.field(2, bytes: Self.field("d", 21, 11, ".google.protobuf.Duration"))
        var method = ByteWriter()
        method.field(1, text: "Get")
        method.field(2, text: ".a.M")
        method.field(3, text: ".a.M")
        var service = ByteWriter()
        service.field(1, text: "S")
        service.field(2, bytes: method.bytes)
        var file = ByteWriter()
        file.field(1, text: "a.proto")
        file.field(2, text: "a")
        file.field(3, text: "w.proto")
        file.field(4, bytes: message.bytes)
        file.field(6, bytes: service.bytes)
        file.field(12, text: "proto3")
        var known = ByteWriter()
        known.field(1, text: "w.proto")
        known.field(2, text: "google.protobuf")
        for name in ["Timestamp", "Duration"] {
            var time = ByteWriter()
            time.field(1, text: name)
            time.field(2, bytes: Self.field("seconds", 1, 3, nil))
            time.field(2, bytes: Self.field("nanos", 2, 5, nil))
            known.field(4, bytes: time.bytes)
        }
        known.field(12, text: "proto3")
        plan = TranscodingPlan(schema: try! Schema(files: [known.bytes, file.bytes]))
    }

    private static func field(_ name: String, _ number: UInt64, _ type: UInt64, _ typeName: String?) -> [UInt8] {
        var field = ByteWriter()
        field.field(1, text: name)
        field.field(3, number)
        field.field(4, 1)
        field.field(5, type)
        if let typeName { field.field(6, text: typeName) }
        return field.bytes
    }

    func runNumbers(_ input: inout FuzzInput) {
        let name = "f\(input.index % types.count)"
        let (number, other) = (input.text(), input.text())
        read(body: #"{"\#(name)":\#(number)}"#)
        read(body: #"{"\#(name)":"\#(number)","f2":"\#(other)"}"#)
        read(query: "\(name)=\(number)&f2=\(other)")
        var message = ByteWriter()
        let bits = input.number()
        for index in types.indices { message.field(UInt64(index) + 1, bits) }
        write(message.bytes)
    }

    func runTimes(_ input: inout FuzzInput) {
        let (number, other) = (input.text(), input.text())
        read(body: #"{"d":"\#(number)s"}"#)
        read(body: #"{"d":"\#(number).\#(other)s"}"#)
        for time in [
            "\(number)-01-01T00:00:00.\(other)Z", "9999-12-31T23:59:59+\(number):\(other)",
            "0001-\(number)-\(other)T00:00:00+23:59",
        ] {
            read(body: #"{"t":"\#(time)"}"#)
        }
        read(query: "d=\(other)s&t=\(number)")
        var time = ByteWriter()
        time.field(1, input.number())
        time.field(2, input.number())
        for field: UInt64 in [20, 21] {
            var message = ByteWriter()
            message.field(field, bytes: time.bytes)
            write(message.bytes)
        }
    }

    /// As a request's body, or its query.
    private func read(query: String = "", body: String = "") {
        let request = RequestTranscoder(plan: plan)
        withBytes(query) { query in
            _ = withBytes("/a.S/Get") { path in
                withBytes("POST") { plan.match(method: $0, path: path, query: query, into: match) }
            }
            guard withBytes("application/json", { (try? request.begin(match, contentType: $0)) != nil }) else { return }
            _ = withBytes(body) { try? request.feed($0, isLast: true, into: &output) }
        }
        output.removeAll()
    }

    /// As an answer's message.
    private func write(_ message: [UInt8]) {
        let response = ResponseTranscoder(plan: plan)
        response.begin(match, form: .single)
        _ = withBytes(message) { try? response.append(message: $0, to: &output) }
        output.removeAll()
    }
}
