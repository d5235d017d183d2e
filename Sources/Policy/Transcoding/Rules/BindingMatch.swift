/// What a path was found to mean. Kept by the caller and used again, so that matching allocates nothing.
///
/// It points at the bytes of the path and the query: they live until the request transcoder has begun with it.
package final class BindingMatch {
    /// The place of the method in the schema.
    package internal(set) var method = 0
    /// The place of the binding in the plan.
    package internal(set) var binding = 0
    var path = UnsafeRawBufferPointer(start: nil, count: 0)
    var query = UnsafeRawBufferPointer(start: nil, count: 0)
    var segments: [Range<Int>] = []

    /// A method by its own path, and nothing but a body.
    package func becomeOwn(method: Int) {
        self.method = method
        binding = method
        query = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Only this of the query is bound.
    package func narrow(query: UnsafeRawBufferPointer) { self.query = query }

    package init() { segments.reserveCapacity(32) }

    /// The bytes of the path that a variable took, escapes not undone.
    func capture(_ variable: Binding.Variable) -> UnsafeRawBufferPointer {
        let first = variable.segments.lowerBound
        let last = variable.takesRest ? segments.count : variable.segments.upperBound
        guard first < last, first < segments.count else { return UnsafeRawBufferPointer(rebasing: path[0..<0]) }
        return UnsafeRawBufferPointer(rebasing: path[segments[first].lowerBound..<segments[last - 1].upperBound])
    }
}
