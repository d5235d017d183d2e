package import Bytes

/// A method that takes one message and gives one back.
package protocol UnaryMethod: AnyObject {
    /// Answers at once where it can: the reply is appended to `reply`, which is sent only with `.done`. Within this call
    /// nothing is sent or finished through `call`.
    ///
    /// `request` is valid for the length of the call. With `.later` the method keeps `call.reference`, and sends and
    /// finishes through it when it knows.
    func answer(_ call: GRPCCall, _ request: UnsafeRawBufferPointer, _ reply: inout ByteBuffer) -> UnaryAnswer
}

package enum UnaryAnswer {
    case done
    case failed(CallStatus)
    case later
}

/// One call of a streaming method, made when the call begins and let go when it ends.
///
/// Hears in this order: received …, requestEnded, and drained in between. After it has finished the call, or after
/// `cancelled`, it is called no more. What it does later (by a timer, say) goes through `call.reference`, since the
/// call's object is used again for another.
package protocol CallHandler: AnyObject {
    /// A whole message, valid for the length of the call.
    func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer)
    /// The caller sends no more.
    func requestEnded(_ call: GRPCCall)
    /// `call.isWritable` again.
    func drained(_ call: GRPCCall)
    /// The call is over and cannot be answered: the caller or its connection went away, its deadline passed, or it broke
    /// the protocol.
    func cancelled(_ call: GRPCCall)
}

extension CallHandler {
    package func drained(_ call: GRPCCall) {}
    package func cancelled(_ call: GRPCCall) {}
}

/// How many messages a method takes, and who answers.
package enum GRPCMethod {
    case unary(any UnaryMethod)
    /// One message in, any number out. The handler is made once the message is there.
    case serverStreaming((GRPCCall) -> any CallHandler)
    /// Any number in: client-streaming and bidirectional methods.
    case streaming((GRPCCall) -> any CallHandler)
}
