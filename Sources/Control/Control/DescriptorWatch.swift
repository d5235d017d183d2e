internal import Config
internal import Glibc
internal import Metrics
internal import Reactor
internal import Sockets

/// Tells when descriptors, or the kernel's memory for sockets, run out, and when that is over.
final class DescriptorWatch {
    private let diagnostics: Diagnostics
    private var losses = LossWatch()

    init(diagnostics: Diagnostics) { self.diagnostics = diagnostics }

    /// Once a second.
    func look() {
        let total = DescriptorShortage.acceptsFailed &+ DescriptorShortage.socketsFailed
        switch losses.look(total: total, isBroken: false) {
        case .began:
            let cause = ErrorNumber.text(DescriptorShortage.lastCode)
            diagnostics.log(
                "connections cannot be accepted or opened: cause=\"\(cause)\" descriptors=\(Self.limit) (ulimit -n, LimitNOFILE=)")
        case .ended(let lost): diagnostics.log("connections can be accepted and opened again: failed=\(lost)")
        case nil: return
        }
    }

    /// How many descriptors this process may have.
    private static var limit: String {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return "unknown" }
        return limit.rlim_cur == rlim_t.max ? "unlimited" : "\(limit.rlim_cur)"
    }

    static var families: [MetricFamily] {
        [
            MetricFamily(
                name: "martlet_accept_failures_total",
                help: "Downstream connections not accepted for lack of descriptors or memory.", kind: .counter,
                series: [MetricSeries(value: .count(DescriptorShortage.acceptsFailed))]),
            MetricFamily(
                name: "martlet_socket_failures_total",
                help: "Outbound sockets not opened for lack of descriptors or memory: to upstreams, stores and name servers.",
                kind: .counter, series: [MetricSeries(value: .count(DescriptorShortage.socketsFailed))]),
        ]
    }
}
