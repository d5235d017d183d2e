package import Config
package import GatewayModel
package import Upstreams

/// What a route does with calls besides sending them to one cluster; most have none.
package final class TrafficPlan: Sendable {
    /// `nil` where there is one cluster.
    package let split: ClusterSplit?
    package let mirror: Mirror?
    package let fault: FaultConfiguration?

    package struct Mirror: Sendable {
        /// Into the snapshot's clusters.
        package let cluster: Int
        package let fraction: Fraction
    }

    /// - Parameter index: of the cluster of that name.
    /// - Returns: `nil` where there is nothing to do.
    package init?(_ traffic: TrafficConfiguration, index: (String) -> Int) {
        guard !traffic.split.isEmpty || traffic.mirror != nil || traffic.fault != nil else { return nil }
        split =
            traffic.split.isEmpty
            ? nil
            : ClusterSplit(
                traffic.split.map { (index($0.cluster), $0.weight) },
                sticky: traffic.sticky.isEmpty ? nil : HashPolicy(traffic.sticky))
        mirror = traffic.mirror.map { Mirror(cluster: index($0.cluster), fraction: $0.fraction) }
        fault = traffic.fault
    }
}
