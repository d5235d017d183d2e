/// What a filter says of a call.
package enum FilterVerdict {
    /// On to the next.
    case proceed
    /// An answer from elsewhere decides: `FilterChain.resume` is called with the token, or the call ends before.
    case suspended
    /// The call has been answered.
    case replied
}
