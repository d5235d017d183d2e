package import Transport

/// What is to be done with a server.
package enum CallAction: Sendable, Equatable {
    /// Services, or the methods of one.
    case list(service: String?)
    /// A service, method, message or enum; all services where none is named.
    case describe(symbol: String?)
    case call(method: String, input: MessageInput)
}

/// How `martlet call` goes about it.
package struct CallOptions: Sendable {
    package var action: CallAction
    /// Each a FileDescriptorSet; empty asks the server by reflection.
    package var descriptorSets: [[UInt8]] = []
    package var metadata: [ClientCallHead.Metadata] = []
    /// Sent with the call; with reflection only where that is refused without.
    package var token: ClientCallHead.Metadata?
    package var deadline: Duration?
    /// Head and trailers are told.
    package var isVerbose = false
    /// Answers over several lines.
    package var isPretty = false
    /// The largest message either way.
    package var messageBytesMax = 64 << 20

    package init(action: CallAction) { self.action = action }
}
