internal import Config
internal import GatewayModel
internal import Upstreams

/// What a route does with calls besides sending them to one cluster; most have none.
package final class TrafficPlan: Sendable {
    /// `nil` where there is one cluster.
    let split: ClusterSplit?
    let mirror: Mirror?
    let fault: FaultConfiguration?

    struct Mirror: Sendable {
        /// Into the snapshot's clusters.
        let cluster: Int
        let fraction: Fraction
    }

    /// - Parameter index: of the cluster of that name.
    /// - Returns: `nil` where there is nothing to do.
    init?(_ traffic: TrafficConfiguration, index: (String) -> Int) {
        guard !traffic.split.isEmpty || traffic.mirror != nil || traffic.fault != nil else { return nil }
        split =
            traffic.split.isEmpty
            ? nil
            : ClusterSplit(
                traffic.split.map { (index($0.cluster.value), $0.weight) },
                sticky: traffic.sticky.isEmpty ? nil : HashPolicy(traffic.sticky.map(\.value)))
        mirror = traffic.mirror.map { Mirror(cluster: index($0.cluster.value), fraction: $0.fraction) }
        fault = traffic.fault
    }
}
