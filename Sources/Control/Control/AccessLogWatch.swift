internal import Config
internal import GatewayModel
internal import Glibc
internal import Reactor
internal import Telemetry

/// The access log of a process, seen from its control thread: opened, opened anew, and watched for lines that are lost.
final class AccessLogWatch {
    let sink: AccessLogSink
    private let diagnostics: Diagnostics
    private var target: GatewayModel.AccessLogTarget
    private var losses = LossWatch()

    init(_ target: GatewayModel.AccessLogTarget, workers: Int, diagnostics: Diagnostics) throws(StartFailure) {
        self.target = target
        self.diagnostics = diagnostics
        do throws(AccessLogFailure) {
            sink = try AccessLogSink(target.sinkTarget, workers: workers)
        } catch {
            throw StartFailure(message: "the access log cannot be opened: \(error.subject): \(error.reason)")
        }
    }

    /// Lines that are in no log.
    var linesLost: UInt64 { sink.linesDropped &+ sink.linesLost }

    /// Anew even where the target is the same: the file may have been moved away. On failure the open one stays.
    ///
    /// - Returns: whether it was opened.
    @discardableResult
    func open(_ wanted: GatewayModel.AccessLogTarget) -> Bool {
        do throws(AccessLogFailure) {
            try sink.open(wanted.sinkTarget)
            target = wanted
            return true
        } catch {
            diagnostics.log("the access log stays as it was: \(error.subject): \(error.reason)")
            return false
        }
    }

    /// Once a second.
    func look() {
        let fault = sink.fault
        switch losses.look(total: linesLost, isBroken: fault != nil) {
        case .began:
            let cause = fault.map { ErrorNumber.text($0) } ?? "it does not take lines as fast as they come"
            diagnostics.log("access log: lines are lost target=\(name) cause=\"\(cause)\"")
        case .ended(let lost): diagnostics.log("access log: written again target=\(name) lost=\(lost)")
        case nil: return
        }
    }

    /// After the workers have ended.
    func stop() {
        let before = linesLost
        if !sink.stop(withinMilliseconds: 2000) {
            diagnostics.log("access log: its last lines are lost target=\(name) cause=\"it takes nothing\"")
        } else if linesLost > before {
            diagnostics.log("access log: its last lines are lost target=\(name) lost=\(linesLost - before)")
        }
    }

    private var name: String {
        switch target {
        case .off: "off"
        case .stdout: "stdout"
        case .file(let path): path
        }
    }
}

extension GatewayModel.AccessLogTarget {
    fileprivate var sinkTarget: Telemetry.AccessLogTarget {
        switch self {
        case .off: .off
        case .stdout: .stdout
        case .file(let path): .path(path)
        }
    }
}
