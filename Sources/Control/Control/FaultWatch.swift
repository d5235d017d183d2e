internal import Gateway
internal import HTTPModel
internal import Net
internal import Reactor
internal import Time
internal import Transport

/// Says which connections were ended because of what came on them, each reason at once, then at most every ten seconds with how
/// many there were meanwhile; and, as often, which state of a call was unexpected. The metrics have all of them.
final class FaultWatch: @unchecked Sendable {
    private let mailbox: Mailbox
    private let diagnostics: Diagnostics

    init(mailbox: Mailbox, diagnostics: Diagnostics) {
        self.mailbox = mailbox
        self.diagnostics = diagnostics
    }

    /// On one worker. The gate is the worker's own, so a flood of faults costs the control loop no more than a few tasks.
    func attach(to gateway: GatewayWorker) {
        var gate = FaultGate()
        gateway.connectionFaulted = { [self, unowned gateway] fault in
            guard let suppressed = gate.pass(fault, now: gateway.context.loop.now) else { return }
            mailbox.post { [self] _ in diagnostics.log(Self.line(fault, suppressed: suppressed)) }
        }
        var quietUntil = Instant(nanoseconds: 0)
        gateway.internalErrorSeen = { [self, unowned gateway] text in
            let now = gateway.context.loop.now
            guard now >= quietUntil else { return }
            quietUntil = now + .seconds(10)
            mailbox.post { [self] _ in diagnostics.log("internal error: \(text)") }
        }
    }

    static func line(_ fault: ConnectionFault, suppressed: Int) -> String {
        let side = fault.isDownstream ? "caller's connection" : "connection to an upstream"
        let more = suppressed > 0 ? " more_since_last_notice=\(suppressed)" : ""
        return "\(side) ended: \(fault.fault.text) reason=\(fault.fault.word) peer=\(fault.peer.map(\.description) ?? "-")\(more)"
    }
}

/// Lets one notice of a reason pass every ten seconds. Pure: the time is handed in.
struct FaultGate {
    private struct Reason: Hashable {
        let fault: SessionFault
        let isDownstream: Bool
    }

    private struct Quiet {
        var until: Instant
        var suppressed = 0
    }

    private var quiet: [Reason: Quiet] = [:]

    /// How many were suppressed since the last that passed; `nil` where this one is suppressed too.
    mutating func pass(_ fault: ConnectionFault, now: Instant) -> Int? {
        let reason = Reason(fault: fault.fault, isDownstream: fault.isDownstream)
        let before = quiet[reason]
        if let before, now < before.until {
            quiet[reason]?.suppressed += 1
            return nil
        }
        quiet[reason] = Quiet(until: now + .seconds(10))
        return before?.suppressed ?? 0
    }
}

extension SessionFault {
    fileprivate var text: String {
        switch self {
        case .settingsFlood: "too many SETTINGS frames"
        case .emptyFrameFlood: "too many empty frames"
        case .controlFlood: "too many PING, WINDOW_UPDATE or PRIORITY frames"
        case .resetFlood: "too many RST_STREAM frames"
        case .fieldFlood: "too many bytes of headers beyond the limit"
        case .sectionTooLarge: "a request line, headers or trailers far beyond the limit"
        case .headerCompression: "a header of more than 64 KiB, or malformed HPACK"
        case .protocolError: "it broke the protocol"
        case .internalError: "its codec failed, perhaps for want of memory"
        }
    }
}
