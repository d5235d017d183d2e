package import GRPC

/// How a call ends.
package struct CallStatus: Error, Equatable {
    package var code: StatusCode
    /// For people; empty for none.
    package var message: String
    /// An encoded `google.rpc.Status`; empty for none.
    package var details: [UInt8]

    package init(_ code: StatusCode, _ message: String = "", details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }

    package static let ok = CallStatus(.ok)
}
