internal import FoundationEssentials
internal import GRPC
internal import Messages
internal import Reactor
internal import SwiftProtobuf
internal import Transport

/// What the calls of all four kinds have in common: their instructions, and answers that wait for their time.
class DemoCall: CallHandler {
    let demo: DemoService
    private(set) var instructions = Martlet_Demo_V1_Instructions()
    private(set) var isInstructed = false
    private(set) var answerCount: UInt32 = 0
    private var timer: Timer?
    private var reference: CallReference?
    private var pending: ((GRPCCall) -> Void)?

    /// The largest payload that an answer is given.
    static let payloadBytesMax: UInt32 = 16 << 20

    init(_ demo: DemoService) { self.demo = demo }

    func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {}
    func requestEnded(_ call: GRPCCall) {}
    func drained(_ call: GRPCCall) {}
    func cancelled(_ call: GRPCCall) { timer = nil }

    /// The message, or `nil` after the call was ended for it.
    func decode<Message: SwiftProtobuf.Message>(
        _ type: Message.Type, _ bytes: UnsafeRawBufferPointer, _ call: GRPCCall
    ) -> Message? {
        do {
            return try Message(serializedBytes: Array(bytes))
        } catch {
            call.finish(CallStatus(.internal, "the request is not a \(Message.protoMessageName)"))
            return nil
        }
    }

    /// Takes the call's instructions; false after the call was ended for what is wrong with them.
    func follow(_ wanted: Martlet_Demo_V1_Instructions, _ call: GRPCCall) -> Bool {
        guard !isInstructed else { return true }
        isInstructed = true
        instructions = wanted
        guard wanted.failWithCode >= 0, wanted.failWithCode <= 16 else {
            return refuse("fail_with_code: found \(wanted.failWithCode), expected 0 to 16", call)
        }
        guard wanted.payloadBytes <= Self.payloadBytesMax else {
            return refuse("payload_bytes: found \(wanted.payloadBytes), expected at most \(Self.payloadBytesMax)", call)
        }
        for (name, value) in wanted.initialMetadata where !call.addInitialMetadata(name, value) {
            return refuse("initial_metadata: \(name) or its value may not be sent", call)
        }
        for (name, value) in wanted.trailingMetadata where !call.addTrailingMetadata(name, value) {
            return refuse("trailing_metadata: \(name) or its value may not be sent", call)
        }
        return true
    }

    private func refuse(_ message: String, _ call: GRPCCall) -> Bool {
        call.finish(CallStatus(.invalidArgument, message))
        return false
    }

    // MARK: Answers

    /// Runs `action` after `delay_ms`, at once where that is zero; not at all where the call has ended by then.
    func afterDelay(_ call: GRPCCall, _ action: @escaping (GRPCCall) -> Void) {
        guard instructions.delayMs > 0 else { return action(call) }
        reference = call.reference
        pending = action
        if timer == nil {
            timer = Timer(on: demo.loop) { [weak self] in
                guard let self, let call = self.reference?.live, let action = self.pending else { return }
                self.pending = nil
                action(call)
            }
        }
        timer?.arm(after: .milliseconds(Int64(instructions.delayMs)))
    }

    /// Sends an answer, unless the instructions let the call fail here; false where it has ended.
    func answer(_ call: GRPCCall, _ message: some SwiftProtobuf.Message) -> Bool {
        if isDueToFail {
            end(call)
            return false
        }
        answerCount += 1
        // Fails only for required fields, which proto3 has not.
        let bytes: [UInt8] = (try? message.serializedBytes()) ?? []
        bytes.withUnsafeBytes { call.send($0) }
        return true
    }

    private var isDueToFail: Bool { instructions.failWithCode != 0 && answerCount >= instructions.failAfter }

    /// Ends the call as instructed.
    func end(_ call: GRPCCall) {
        guard let code = StatusCode(rawValue: UInt8(instructions.failWithCode)), code != .ok else {
            return call.finish(.ok)
        }
        call.finish(CallStatus(code, instructions.failMessage))
    }

    func seen(_ call: GRPCCall) -> Martlet_Demo_V1_Seen {
        var seen = Martlet_Demo_V1_Seen()
        seen.server = demo.serverName
        seen.path = call.path
        seen.authority = call.authority
        seen.timeout = call.timeoutText
        for name in instructions.echoMetadata {
            if let value = call.metadata(name.lowercased()) { seen.metadata[name] = value }
        }
        return seen
    }

    /// The payload that was asked for, else `own`.
    func payload(or own: Data = Data()) -> Data {
        instructions.payloadBytes > 0 ? Data(repeating: UInt8(ascii: "."), count: Int(instructions.payloadBytes)) : own
    }
}
