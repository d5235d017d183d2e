package import Bytes
internal import Calls
package import GRPC
package import HTTPModel
package import Snapshots
package import Transport

/// What filters ask of the worker that runs them. Nothing that a plain call meets.
package protocol FilterHost: AnyObject {
    /// Answers with a refusal.
    ///
    /// - Parameter source: the configured rule or limit that it comes from.
    func refuse(_ call: Record<Call>, _ cause: RefusalCause, by source: Call.RefusalSource?)

    /// A filter answers the call.
    func willReply(_ call: Record<Call>)

    /// Bytes of an answer of our own wait for the caller.
    func didReply(on stream: StreamPointer)

    /// The answer that a suspended call has waited for is there; nothing happens where the call is over, or has gone on.
    func resume(_ token: SuspensionToken, _ decide: (CallView) -> FilterVerdict)

    /// Puts a converter between the caller and the upstream, where they speak differently.
    func convert(_ call: Record<Call>)

    /// Has the answer's body compressed from its beginning on; false where it goes as it is.
    func compressAnswer(_ call: Record<Call>) -> Bool

    /// Keeps a copy of the call that the mirror is to have.
    func beginMirror(_ call: Record<Call>, _ mirror: TrafficPlan.Mirror)
}

/// What filters have of their worker. One per worker.
package final class FilterServices {
    let context: WorkerContext
    let metrics: WorkerMetrics
    package let admission: Admission
    /// What tenants have used of their limits.
    let usage: UsageRecorder
    /// Where texts with variables are rendered.
    var text = ByteBuffer()
    /// What operators have done about tenants; `nil` for nothing.
    private var tenantTable: TenantTable?
    /// `tenantTable`, read without counting references.
    private(set) var tenants: Borrowed<TenantTable>?
    private var reference = UnownedReference<any FilterHost>(nil)

    package init(_ context: WorkerContext, metrics: WorkerMetrics, admission: Admission) {
        self.context = context
        self.metrics = metrics
        self.admission = admission
        usage = UsageRecorder(on: context.loop)
    }

    package func bind(to host: any FilterHost) { reference = UnownedReference(host) }

    package func adopt(_ table: TenantTable) {
        tenants = nil
        tenantTable = table.isEmpty ? nil : table
        tenants = tenantTable.map { Borrowed($0) }
    }

    /// An operator has had the calls of its tenant refused.
    package func isBlocked(_ call: Record<Call>) -> Bool {
        guard let tenants, let identity = call.identity, let tenant = identity.tenant else { return false }
        return tenants { $0.blocks(tenant, of: identity.issuer) }
    }

    var host: any FilterHost {
        guard let host = reference.object else { preconditionFailure("a filter runs before its worker is made") }
        return host
    }
}
