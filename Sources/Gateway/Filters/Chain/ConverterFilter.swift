internal import Bridging
internal import Bytes
internal import Calls
internal import GRPC
internal import Snapshots

/// Puts a converter between a caller that does not speak gRPC and an upstream that does, and rewrites the head to gRPC, so that everything behind it
/// sees one kind of call. Native calls skip it.
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

/// Refuses a call that cannot be converted. Behind authorization and limits, so that an unauthorized caller learns nothing of what is wrong, and the
/// call is counted like any other.
enum ConversionFailureFilter {
    static func request(_ call: CallView) -> FilterVerdict {
        call.conversionFailure.map { call.refuse($0) } ?? .proceed
    }
}
