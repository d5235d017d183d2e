internal import Bytes
internal import GRPC
internal import Snapshots

/// Under overload the calls of the lowest priorities are refused first. (Where nothing more is taken, the head is not even read.)
enum AdmissionFilter {
    @inline(__always)
    static func request(_ call: CallView) -> FilterVerdict {
        guard let cause = call.overload else { return .proceed }
        return call.refuse(cause)
    }
}
