internal import Glibc

/// A `ValueMatch` compiled: flat memory that lives as long as this does, and is asked without counting references.
package final class ValueMatcher: @unchecked Sendable {
    private let memory: UnsafeMutableBufferPointer<Tests.Test>
    private let texts: [UnsafeRawBufferPointer]
    /// Kept for their handles.
    private let expressions: [RegularExpression]
    /// Kept for their memory.
    private let lists: [ValueList]

    /// - Parameter files: what the files hold that it names, by their paths. One that is not among them lists nothing.
    package init(_ match: ValueMatch, files: [String: ValueList] = [:]) {
        memory = .allocate(capacity: match.tests.count)
        var texts: [UnsafeRawBufferPointer] = []
        var expressions: [RegularExpression] = []
        var lists: [ValueList] = []
        func keep(_ text: String) -> UnsafeRawBufferPointer {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            bytes.copyBytes(from: text.utf8)
            texts.append(UnsafeRawBufferPointer(bytes))
            return UnsafeRawBufferPointer(bytes)
        }
        _ = memory.initialize(
            fromContentsOf: match.tests.map { test -> Tests.Test in
                switch test {
                case .present: return .present
                case .absent: return .absent
                case .exact(let text): return .exact(keep(text))
                case .prefix(let text): return .prefix(keep(text))
                case .suffix(let text): return .suffix(keep(text))
                case .regex(let expression):
                    expressions.append(expression)
                    return .regex(expression.handle)
                case .range(let range): return .range(range)
                case .file(let path):
                    guard let list = files[path] else { return .nothing }
                    lists.append(list)
                    return .list(list.memory)
                }
            })
        self.texts = texts
        self.expressions = expressions
        self.lists = lists
    }

    deinit {
        memory.deallocate()
        for text in texts { text.deallocate() }
    }

    package var tests: Tests { Tests(tests: UnsafeBufferPointer(memory)) }

    /// What a matcher asks, for memory without reference counts; good while the matcher lives.
    package struct Tests: BitwiseCopyable {
        fileprivate enum Test: BitwiseCopyable {
            case present, absent, nothing
            case exact(UnsafeRawBufferPointer)
            case prefix(UnsafeRawBufferPointer)
            case suffix(UnsafeRawBufferPointer)
            case regex(OpaquePointer)
            case range(NumberRange)
            case list(ValueList.Memory)
        }

        fileprivate let tests: UnsafeBufferPointer<Test>

        /// Whether a value that is there is taken.
        package func matches(_ value: UnsafeRawBufferPointer) -> Bool {
            for test in tests {
                let isMet =
                    switch test {
                    case .present: true
                    case .absent, .nothing: false
                    case .exact(let text): value.count == text.count && Self.equal(value[...], text)
                    case .prefix(let text): value.count >= text.count && Self.equal(value.prefix(text.count), text)
                    case .suffix(let text): value.count >= text.count && Self.equal(value.suffix(text.count), text)
                    case .regex(let handle): RegularExpression.matches(handle, value)
                    case .range(let range): range.contains(value)
                    case .list(let list): list.contains(value)
                    }
                if isMet { return true }
            }
            return false
        }

        /// Whether it is enough that there are several values, of which it is a guess which one counts.
        package var takesAny: Bool {
            tests.contains { if case .present = $0 { true } else { false } }
        }

        /// Whether it is enough that there is no value.
        package var takesNone: Bool {
            tests.contains { if case .absent = $0 { true } else { false } }
        }

        private static func equal(_ value: Slice<UnsafeRawBufferPointer>, _ text: UnsafeRawBufferPointer) -> Bool {
            guard text.count > 0, let theirs = UnsafeRawBufferPointer(rebasing: value).baseAddress, let ours = text.baseAddress
            else {
                return true
            }
            return memcmp(theirs, ours, text.count) == 0
        }
    }
}
