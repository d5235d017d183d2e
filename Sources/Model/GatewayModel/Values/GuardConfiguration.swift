internal import Balancing

/// A cluster's `circuit_breaker`.
struct CircuitConfiguration: Sendable, Equatable {
    var limits: CircuitLimits
    var highLimits: CircuitLimits
    var errors: BreakerSettings?
    var endpointErrors: BreakerSettings?
}
