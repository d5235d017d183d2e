/// Fields in memory that is owned elsewhere, in order: a worker's scratch until the next message is written, or a stream's arena.
@usableFromInline package typealias FieldList = UnsafeBufferPointer<Field>

/// Room for the fields of one message, which its owner writes.
@usableFromInline package typealias FieldScratch = UnsafeMutableBufferPointer<Field>
