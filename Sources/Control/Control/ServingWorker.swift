internal import Filters
internal import Gateway
internal import GatewayModel
internal import Metrics
internal import Snapshots
internal import Transport

/// A worker's program under `martlet serve`: its gateway, and its share of every listener.
package final class ServingWorker: ListeningProgram {
    let gateway: GatewayWorker
    package let listeners: WorkerListeners

    init(gateway: GatewayWorker, context: WorkerContext, connectionCounts: ConnectionCounts) {
        self.gateway = gateway
        listeners = WorkerListeners(handler: gateway.downstream, context: context, connectionCounts: connectionCounts)
        let shard = gateway.metrics.shard
        let metrics = gateway.metrics.gateway
        let connections = gateway.metrics.connections
        listeners.connectionBegan = {
            shard.add(metrics.downstreamConnectionsTotal)
            shard.adjust(connections, by: 1)
        }
        listeners.connectionAged = { shard.add(metrics.downstreamConnectionsAged) }
        listeners.connectionRefused = { shard.add(metrics.counter(.overloadConnection)) }
        listeners.connectionsMax = gateway.current.snapshot.overload.connections ?? .max
        listeners.connectionEnded = { shard.adjust(connections, by: -1) }
    }

    /// Takes another configuration into service.
    func adopt(_ snapshot: Snapshot) {
        gateway.adopt(snapshot)
        listeners.connectionsMax = snapshot.overload.connections ?? .max
    }

    package func beginDrain() {
        listeners.beginDrain()
        gateway.endLeases()
    }

    package func endCalls() { gateway.endAll() }
}
