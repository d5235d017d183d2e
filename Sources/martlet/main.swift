import Bytes
import Gateway
import Glibc
import HTTP2
import Reactor
import Sockets
import Transport

func bench() throws {
    let listen = SocketAddress("127.0.0.1:" + CommandLine.arguments[1])!
    let backend = SocketAddress("127.0.0.1:" + CommandLine.arguments[2])!
    let loop = try EventLoop()
    let context = WorkerContext(index: 0, loop: loop)
    let table = RouteTable([.init(RouteMatch())], seed: 1)
    let route = Route(index: 0, name: "all", cluster: 0, policies: [CallPolicy(timeout: nil, exposesRules: false)])
    let snapshot = Snapshot(
        table: table, routes: [route],
        clusters: [ClusterPlan(name: "b", endpoints: [backend], policy: .roundRobin, pool: {
            var p = PoolSettings.defaults
            p.streams = 1000
            return p
        }())],
        trustedProxies: .empty)
    let worker = GatewayWorker(context: context, serving: snapshot, seed: 1)
    let server = HTTPServer(name: "x", settings: .defaults, handler: worker.downstream, context: context)
    let socket = try ListeningSocket(on: loop, at: listen) { server.serve($0) }
    _ = socket
    loop.run()
}
try bench()
