extension UnsafeRawBufferPointer {
    package var text: String { String(decoding: self, as: UTF8.self) }
}
