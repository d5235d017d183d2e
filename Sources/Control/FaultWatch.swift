internal import Gateway
internal import HTTP2
internal import Reactor
internal import Sockets
internal import Time
internal import Transport

/// Says which connections were ended because of what came on them: each reason at once, then at most every ten seconds, with how
/// many there were meanwhile. The metrics have all of them.
final class FaultWatch: @unchecked Sendable {
    private let mailbox: Mailbox
    private let notices: Notices

    init(mailbox: Mailbox, notices: Notices) {
        self.mailbox = mailbox
        self.notices = notices
    }

    /// Hears of the faults on one worker. A flood of them costs the control loop no more than a few letters.
    func attach(to gateway: GatewayWorker) {
        var gate = FaultGate()
        gateway.connectionFaulted = { [self, unowned gateway] fault in
            guard let unsaid = gate.pass(fault, now: gateway.context.loop.now) else { return }
            mailbox.post { [self] _ in notices.say(Self.line(fault, unsaid: unsaid)) }
        }
    }

    static func line(_ fault: ConnectionFault, unsaid: Int) -> String {
        let side = fault.isDownstream ? "caller's connection" : "connection to an upstream"
        let more = unsaid > 0 ? " more_since_last_notice=\(unsaid)" : ""
        return "\(side) ended: \(fault.fault.text) reason=\(fault.fault.word) peer=\(fault.peer.map(\.description) ?? "-")\(more)"
    }
}

/// Lets one notice of a reason pass every ten seconds. Pure: the time is handed in.
struct FaultGate {
    private var quietUntil: [UInt8: Instant] = [:]
    private var unsaid: [UInt8: Int] = [:]

    /// How many were not said since the last that was; `nil` where this one is not said either.
    mutating func pass(_ fault: ConnectionFault, now: Instant) -> Int? {
        let key = fault.fault.rawValue << 1 | (fault.isDownstream ? 1 : 0)
        if let end = quietUntil[key], now < end {
            unsaid[key, default: 0] += 1
            return nil
        }
        quietUntil[key] = now + .seconds(10)
        return unsaid.removeValue(forKey: key) ?? 0
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
        case .sectionTooLarge: "headers or trailers far beyond the limit"
        case .headerCompression: "a header of more than 64 KiB, or malformed HPACK"
        case .protocolError: "it broke the protocol"
        }
    }
}
