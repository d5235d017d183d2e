internal import Gateway
internal import Metrics
internal import Transport

/// A worker's program under `martlet serve`: its gateway, and its share of every listener.
package final class ServingWorker: ListeningProgram {
    let gateway: GatewayWorker
    package let listeners: WorkerListeners

    init(gateway: GatewayWorker, context: WorkerContext, board: LoadBoard) {
        self.gateway = gateway
        listeners = WorkerListeners(handler: gateway.downstream, context: context, board: board)
        let shard = gateway.metrics.shard
        let metrics = gateway.metrics.gateway
        let connections = gateway.metrics.connections
        listeners.connectionBegan = {
            shard.add(metrics.downstreamConnectionsTotal)
            shard.adjust(connections, by: 1)
        }
        listeners.connectionEnded = { shard.adjust(connections, by: -1) }
    }

    package func endCalls() { gateway.endAll() }
}
