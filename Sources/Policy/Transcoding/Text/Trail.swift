internal import Protobuf

/// Where in a message the work is: one step a level, written as it goes and read only when something fails.
struct Trail: ~Copyable {
    struct Step {
        var field: UnsafePointer<FieldSchema>?
        /// A map's key, a member of a `Struct`, or the name of a member that has no field.
        var name: UnsafePointer<UInt8>?
        var nameCount = 0
        var index = -1
    }

    let steps: UnsafeMutablePointer<Step>
    private let levelMax: Int
    /// `levelMax`, less the messages around this place that JSON does not show.
    private var ceiling: Int
    /// The level that is being worked on; -1 outside of all messages.
    private(set) var level = -1

    init(levelMax: Int) {
        self.levelMax = levelMax
        ceiling = levelMax
        steps = .allocate(capacity: levelMax)
        steps.initialize(repeating: Step(), count: levelMax)
    }

    deinit { steps.deallocate() }

    @inline(__always)
    mutating func enter() throws(Problem) {
        guard level + 1 < ceiling else { throw .tooDeep }
        level += 1
        steps[level] = Step()
    }

    @inline(__always)
    mutating func leave() { level -= 1 }

    mutating func reset() {
        level = -1
        ceiling = levelMax
    }

    /// Begins a message that is no level of JSON, such as a map's entry: readers of protobuf count it.
    @inline(__always)
    mutating func enterHidden() throws(Problem) {
        guard level + 1 < ceiling else { throw .tooDeep }
        ceiling -= 1
    }

    @inline(__always)
    mutating func leaveHidden() { ceiling += 1 }

    @inline(__always)
    func at(_ field: UnsafePointer<FieldSchema>) {
        steps[level].field = field
        steps[level].index = -1
        steps[level].name = nil
    }

    @inline(__always)
    func at(name: UnsafePointer<UInt8>, _ count: Int) {
        steps[level].name = name
        steps[level].nameCount = count
    }

    /// The member that no field has.
    func atUnknown(name: UnsafePointer<UInt8>, _ count: Int) {
        steps[level] = Step(field: nil, name: name, nameCount: count)
    }

    @inline(__always)
    func at(index: Int) { steps[level].index = index }

    /// The path in words. Long names are cut: they are the caller's.
    var text: String {
        var text = ""
        for place in 0..<(level + 1) {
            let step = steps[place]
            if let field = step.field {
                if !text.isEmpty { text += "." }
                text += field.pointee.jsonName
            }
            if let name = step.name {
                let name = String(decoding: UnsafeBufferPointer(start: name, count: min(step.nameCount, 64)), as: UTF8.self)
                if step.field != nil { text += "[\"\(name)\"]" } else { text += text.isEmpty ? name : ".\(name)" }
            }
            if step.index >= 0 { text += "[\(step.index)]" }
        }
        return text
    }
}
