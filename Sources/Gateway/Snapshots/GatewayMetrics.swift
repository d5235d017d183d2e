package import HTTPModel
package import Metrics
package import RateLimit
package import Transport

/// What a worker counts besides calls by route, method and status.
package enum GatewayEvent: Int, CaseIterable, Sendable {
    case tokenVerified, tokenRefused, tokenIgnored, failedLoginRefused
    case internalError
    case accessDenied, accessShadowed
    case tenantBlocked
    case limitAllowed, limitRefused, limitShadowed, limitUnavailable, limitSkipped
    case limitLocallyAllowed, limitLocallyRefused
    case limitHeld
    case responseCostSaid, responseCostMissing, responseCostMalformed, responseCostTooLarge
    case upstreamAttempt, upstreamResent, upstreamConnectFailed, upstreamReset, upstreamConnectionLost, upstreamPingTimeout,
        upstreamTimeout
    case upstreamDetailsDropped, upstreamHeadRefused
    case upstreamRetry, retrySucceeded, retryLimitExceeded, retryOverflow, retryPushedBack, retryTooLate, retryWithoutBody,
        retryNotIdempotent
    case hedgeBegun, hedgeWon, hedgeOverflow
    case routeTimeout, callerTimeout, perTryTimeout, durationTimeout, streamIdleTimeout, stallTimeout
    case queueOverflow, overload, overloadCalls, overloadResident, overloadConnection
    case faultDelayed, faultAborted
    case fallbackCircuitOpen, fallbackNoEndpoint, fallbackConnectFailed
    case mirrorSent, mirrorDropped, mirrorTooLarge, mirrorFailed
}

/// The gateway's metrics, declared once for the process and shared by all workers.
package final class GatewayMetrics: Sendable {
    package let registry: MetricRegistry
    package let calls: CallMetrics
    private let events: [Counter]
    private let faults: [Counter]
    /// Calls that no route takes, or that were refused before one was looked for.
    package let unrouted: CallGroup
    package let downstreamConnectionsTotal: Counter
    package let downstreamConnectionsAged: Counter

    package static let statusNames = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]

    package init(registry: MetricRegistry) {
        self.registry = registry
        calls = CallMetrics(
            registry: registry,
            names: .init(
                counter: "martlet_requests_total", counterHelp: "Calls that are over, by route, method and gRPC status.",
                histogram: "martlet_request_duration_seconds", histogramHelp: "From a call's head to its end."),
            statuses: Self.statusNames)
        unrouted = calls.group("-")
        downstreamConnectionsTotal = registry.counter(
            "martlet_downstream_connections_total", help: "Downstream connections accepted.")
        downstreamConnectionsAged = registry.counter(
            "martlet_downstream_connections_aged_total", help: "Downstream connections drained at their maximum age.")
        faults = [true, false].flatMap { isDownstream in
            SessionFault.allCases.map { fault in
                registry.counter(
                    "martlet_connections_ended_total", help: "Connections closed because of what the peer sent.",
                    labels: [Label("side", isDownstream ? "downstream" : "upstream"), Label("reason", "\(fault.word)")])
            }
        }
        events = GatewayEvent.allCases.map { event in
            let (name, help, label, value) = event.series
            return registry.counter(name, help: help, labels: label.isEmpty ? [] : [Label(label, value)])
        }
    }

    package func counter(_ fault: ConnectionFault) -> Counter {
        faults[(fault.isDownstream ? 0 : SessionFault.allCases.count) + Int(fault.fault.rawValue)]
    }

    package func counter(_ event: GatewayEvent) -> Counter { events[event.rawValue] }

    /// Of the limit with that name: there are as many as are configured.
    package func limitSeries(_ name: String, warns: Bool) -> LimitSeries {
        let labels = [Label("limit", name)]
        return LimitSeries(
            outcomes: registry.row(
                "martlet_limit_calls_total", help: "Calls that a limit applied to, by limit and what it said of them.",
                labels: labels, over: "outcome", values: LimitSeries.Outcome.allCases.map(\.rawValue)),
            warnings: warns
                ? registry.counter(
                    "martlet_limit_warnings_total", help: "Calls admitted by a limit that was used as far as it warns at.",
                    labels: labels) : nil)
    }
}

extension GatewayEvent {
    fileprivate var series: (name: String, help: String, label: String, value: String) {
        let authentication = ("martlet_authentication_total", "Bearer tokens not found in the cache, by outcome.")
        let access = ("martlet_access_denied_total", "Calls denied by a rule, or in shadow mode would have been.")
        let limits = (
            "martlet_limit_decisions_total",
            "Rate-limit decisions, by outcome. While the store does not answer: local_allowed or local_refused "
                + "(counted by this process alone), skipped, unavailable."
        )
        let costs = (
            "martlet_limit_response_costs_total", "Costs that limits have from answers, by what the answer said."
        )
        let upstream = ("martlet_upstream_events_total", "Upstream attempts, and what happened to them.")
        let retries = ("martlet_retries_total", "Retries begun and succeeded, and why others were not made.")
        let hedges = ("martlet_hedges_total", "Hedged attempts begun and won, and why others were not made.")
        let timeouts = ("martlet_timeouts_total", "Timeouts of calls and attempts, by kind.")
        let refusals = ("martlet_overload_total", "Calls and connections rejected because of overload, by cause.")
        let faults = ("martlet_faults_total", "Faults injected.")
        let mirrors = ("martlet_mirrored_total", "Mirrored calls, and why others were not sent or failed.")
        let fallbacks = ("martlet_fallbacks_total", "Calls served by their route's fallback, by cause.")
        func row(_ family: (String, String), _ label: String, _ value: String) -> (String, String, String, String) {
            (family.0, family.1, label, value)
        }
        switch self {
        case .tokenVerified: return row(authentication, "outcome", "verified")
        case .tokenRefused: return row(authentication, "outcome", "refused")
        case .tokenIgnored: return row(authentication, "outcome", "ignored")
        case .failedLoginRefused: return row(authentication, "outcome", "too_many_failures")
        case .accessDenied: return row(access, "mode", "enforced")
        case .accessShadowed: return row(access, "mode", "shadow")
        case .tenantBlocked:
            return ("martlet_quota_blocked_total", "Calls refused, or ended, because their tenant is blocked.", "", "")
        case .limitAllowed: return row(limits, "outcome", "allowed")
        case .limitRefused: return row(limits, "outcome", "refused")
        case .limitShadowed: return row(limits, "outcome", "shadow_refused")
        case .limitUnavailable: return row(limits, "outcome", "unavailable")
        case .limitSkipped: return row(limits, "outcome", "skipped")
        case .limitLocallyAllowed: return row(limits, "outcome", "local_allowed")
        case .limitLocallyRefused: return row(limits, "outcome", "local_refused")
        case .limitHeld: return row(limits, "outcome", "held")
        case .responseCostSaid: return row(costs, "outcome", "said")
        case .responseCostMissing: return row(costs, "outcome", "missing")
        case .responseCostMalformed: return row(costs, "outcome", "malformed")
        case .responseCostTooLarge: return row(costs, "outcome", "too_large")
        case .upstreamAttempt: return row(upstream, "event", "attempt")
        case .upstreamResent: return row(upstream, "event", "resent")
        case .upstreamConnectFailed: return row(upstream, "event", "connect_failed")
        case .upstreamReset: return row(upstream, "event", "reset")
        case .upstreamConnectionLost: return row(upstream, "event", "connection_lost")
        case .upstreamPingTimeout: return row(upstream, "event", "ping_timeout")
        case .upstreamDetailsDropped: return row(upstream, "event", "details_dropped")
        case .upstreamHeadRefused: return row(upstream, "event", "head_refused")
        case .upstreamTimeout: return row(upstream, "event", "timeout")
        case .upstreamRetry: return row(retries, "outcome", "begun")
        case .retrySucceeded: return row(retries, "outcome", "succeeded")
        case .retryLimitExceeded: return row(retries, "outcome", "limit_exceeded")
        case .retryOverflow: return row(retries, "outcome", "budget_exceeded")
        case .retryPushedBack: return row(retries, "outcome", "pushed_back")
        case .retryTooLate: return row(retries, "outcome", "too_late")
        case .retryWithoutBody: return row(retries, "outcome", "body_not_kept")
        case .retryNotIdempotent: return row(retries, "outcome", "not_idempotent")
        case .hedgeBegun: return row(hedges, "outcome", "begun")
        case .hedgeWon: return row(hedges, "outcome", "won")
        case .hedgeOverflow: return row(hedges, "outcome", "budget_exceeded")
        case .routeTimeout: return row(timeouts, "timeout", "route")
        case .callerTimeout: return row(timeouts, "timeout", "grpc_timeout")
        case .perTryTimeout: return row(timeouts, "timeout", "per_try")
        case .durationTimeout: return row(timeouts, "timeout", "max_stream_duration")
        case .streamIdleTimeout: return row(timeouts, "timeout", "stream_idle")
        case .stallTimeout: return row(timeouts, "timeout", "stall")
        case .queueOverflow: return row(refusals, "cause", "queue_full")
        case .mirrorSent: return row(mirrors, "outcome", "sent")
        case .mirrorDropped: return row(mirrors, "outcome", "no_room")
        case .mirrorTooLarge: return row(mirrors, "outcome", "too_large")
        case .mirrorFailed: return row(mirrors, "outcome", "failed")
        case .faultDelayed: return row(faults, "kind", "delay")
        case .faultAborted: return row(faults, "kind", "abort")
        case .fallbackCircuitOpen: return row(fallbacks, "cause", "circuit_open")
        case .fallbackNoEndpoint: return row(fallbacks, "cause", "no_healthy_endpoint")
        case .fallbackConnectFailed: return row(fallbacks, "cause", "connect_failed")
        case .internalError:
            return ("martlet_internal_errors_total", "Calls that ended because a state of theirs was unexpected.", "", "")
        case .overload: return row(refusals, "cause", "memory")
        case .overloadCalls: return row(refusals, "cause", "calls")
        case .overloadResident: return row(refusals, "cause", "process_memory")
        case .overloadConnection: return row(refusals, "cause", "connections")
        }
    }
}

/// One worker's writer of the gateway's metrics.
package final class WorkerMetrics {
    package let gateway: GatewayMetrics
    package let shard: MetricShard
    /// Connections and calls that this worker has open.
    package let connections: Gauge
    package let activeCalls: Gauge
    package let limitStoreDown: Gauge
    package let table: CallTable

    package init(_ gateway: GatewayMetrics, worker: Int, seed: UInt64) {
        self.gateway = gateway
        let label = [Label("worker", "\(worker)")]
        connections = gateway.registry.gauge(
            "martlet_downstream_connections_active", help: "Open downstream connections.", labels: label)
        activeCalls = gateway.registry.gauge(
            "martlet_requests_active", help: "Calls in progress.", labels: label)
        limitStoreDown = gateway.registry.gauge(
            "martlet_limit_store_down", help: "1 while a worker decides without its rate-limit store.", labels: label)
        shard = gateway.registry.makeShard()
        table = CallTable(gateway.calls, seed: seed)
    }

    @inline(__always)
    package func count(_ event: GatewayEvent) { shard.add(gateway.counter(event)) }
}
