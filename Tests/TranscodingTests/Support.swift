import Bytes
import Foundation

@testable import Protobuf
@testable import Transcoding

/// The schema of Tests/Scenarios/protos.
let kindsSchema = try! Schema(descriptorSets: [decoded(KindsDescriptors.base64)])
let kindsPlan = TranscodingPlan(schema: kindsSchema)

func decoded(_ base64: String) -> [UInt8] { Array(base64.utf8).withUnsafeBytes { Base64.decode($0)! } }

func lenient(_ change: (inout TranscodingOptions) -> Void) -> TranscodingOptions {
    var options = TranscodingOptions()
    change(&options)
    return options
}

/// JSON as protobuf; throws the failure with the field's path.
func encode(
    _ json: [UInt8], as message: String, options: TranscodingOptions = TranscodingOptions()
) throws(TranscodingFailure) -> [UInt8] {
    let encoder = MessageEncoder(schema: kindsSchema, options: options)
    return try json.withBytes { (bytes) throws(TranscodingFailure) in
        encoder.begin(bytes)
        do throws(Problem) {
            try encoder.value(of: kindsSchema.message(fullName: message)!, bound: -1)
            try encoder.end()
        } catch { throw TranscodingFailure(.request, error, at: encoder.trail.text) }
        var output = Output()
        encoder.copyOutput(to: &output)
        return Array(output.bytes)
    }
}

/// Protobuf as JSON; throws the failure with the field's path.
func print(
    _ protobuf: [UInt8], as message: String, options: TranscodingOptions = TranscodingOptions()
) throws(TranscodingFailure) -> String {
    let printer = MessagePrinter(schema: kindsSchema, options: options)
    return try protobuf.withBytes { (bytes) throws(TranscodingFailure) in
        printer.begin()
        do throws(Problem) {
            try printer.value(of: kindsSchema.message(fullName: message)!, WireCursor(bytes))
        } catch { throw TranscodingFailure(.response, error, at: printer.trail.text) }
        return String(decoding: printer.output.bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try span.bytes.withUnsafeBytes { (bytes) throws(Failure) in try body(bytes) }
    }
}

/// Whether two texts are the same JSON, whatever the order of members and the form of numbers.
func isSame(_ left: String, _ right: String) throws -> Bool {
    func read(_ text: String) throws -> NSObject {
        try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed) as! NSObject
    }
    return try read(left).isEqual(read(right))
}

/// A request through match and transcoder. The messages come back as JSON, which says what reached the service.
struct Request {
    var method = "POST"
    var target: String
    var body = ""
    var contentType = "application/json"
    var chunkBytes = Int.max

    enum Outcome: Error, Equatable {
        case noBinding, methodNotAllowed
        case failure(TranscodingFailure.Kind, path: String, problem: String)
    }

    func messages(_ plan: TranscodingPlan = kindsPlan) throws(Outcome) -> [String] {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map { Array($0.utf8) }
        let query = parts.count > 1 ? parts[1] : []
        let match = BindingMatch()
        let transcoder = RequestTranscoder(plan: plan)
        var output = ByteBuffer()
        do {
            try parts[0].withUnsafeBytes { path in
                try query.withUnsafeBytes { query in
                    let outcome = Array(method.utf8).withUnsafeBytes {
                        plan.match(method: $0, path: path, query: query, into: match)
                    }
                    if outcome == .notFound { throw Outcome.noBinding }
                    if outcome == .methodNotAllowed { throw Outcome.methodNotAllowed }
                    try Array(contentType.utf8).withUnsafeBytes { try transcoder.begin(match, contentType: $0) }
                }
            }
            var rest = Array(body.utf8)[...]
            repeat {
                let chunk = Array(rest.prefix(chunkBytes))
                rest = rest.dropFirst(chunk.count)
                try chunk.withUnsafeBytes { try transcoder.feed($0, isLast: rest.isEmpty, into: &output) }
            } while !rest.isEmpty
            return try Self.payloads(output).map { try print($0, as: plan.schema.methods[match.method].input.pointee.fullName) }
        } catch let outcome as Outcome {
            throw outcome
        } catch let failure as TranscodingFailure {
            throw .failure(failure.kind, path: failure.path, problem: failure.problem)
        } catch {
            fatalError("\(error)")
        }
    }

    static func payloads(_ output: borrowing ByteBuffer) -> [[UInt8]] {
        var bytes = Array(output.readable)[...]
        var payloads: [[UInt8]] = []
        while bytes.count >= 5 {
            let count = bytes.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) }
            payloads.append(Array(bytes.dropFirst(5).prefix(count)))
            bytes = bytes.dropFirst(5 + count)
        }
        return payloads
    }
}
