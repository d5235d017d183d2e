internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import Snapshots

/// Puts a converter between a caller who does not speak gRPC and an upstream that does, and makes gRPC's of the head, so that all that
/// follows sees one kind of call. Native calls do not come here.
enum ConverterFilter {
    @inline(__always)
    static func request(_ call: CallView) -> FilterVerdict {
        call.convert()
        guard call.isConverted else { return .proceed }
        call.add(.conversionFailure)
        // What was converted may have been more than there is memory for.
        return call.isAnswered ? .replied : .proceed
    }
}

/// Tells what is wrong with a call that cannot be converted: only here, so that a caller who may not make it learns nothing of it, and it
/// counts for the limits like any other.
enum ConversionFailureFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        call.conversionFailure.map { call.refuse($0) } ?? .proceed
    }
}
