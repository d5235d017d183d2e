/// Everything that descriptors say, as tables: services, methods, messages and enums.
///
/// Built once from files and never changed, hence safe to share between threads. The tables are plain memory that lives as
/// long as the schema: a holder of such a pointer retains the schema.
package final class Schema: @unchecked Sendable {
    package let services: [ServiceSchema]
    package let methods: [MethodSchema]
    package let messages: UnsafeBufferPointer<MessageSchema>
    package let enums: UnsafeBufferPointer<EnumSchema>
    private let methodPaths: NameTable
    private let messageNames: NameTable
    private let arena: Arena

    /// - Parameter files: each the bytes of one FileDescriptorProto. The same file twice is no mistake.
    package convenience init(files: [[UInt8]]) throws(SchemaFailure) {
        var linker = Linker()
        for bytes in files { linker.read(bytes) }
        linker.addWellKnownFiles()
        try self.init(linker.link())
    }

    /// - Parameter descriptorSets: each the bytes of one FileDescriptorSet.
    package convenience init(descriptorSets: [[UInt8]]) throws(SchemaFailure) {
        var files: [[UInt8]] = []
        for set in descriptorSets {
            do throws(WireFailure) { files += try DescriptorSet.files(in: set) } catch {
                throw SchemaFailure(problems: ["a descriptor set is no protobuf (\(error))"])
            }
        }
        try self.init(files: files)
    }

    init(_ linked: Linker.Linked) {
        services = linked.services
        methods = linked.methods
        messages = linked.messages
        enums = linked.enums
        methodPaths = linked.methodPaths
        messageNames = linked.messageNames
        arena = linked.arena
    }

    /// The place in `methods` of `/pkg.Service/Method`; `nil` where there is none.
    package func method(path: UnsafeRawBufferPointer) -> Int? {
        guard let start = path.baseAddress else { return nil }
        let index = methodPaths.find(start.assumingMemoryBound(to: UInt8.self), path.count)
        return index < 0 ? nil : index
    }

    package func method(path: String) -> Int? {
        var path = path
        return path.withUTF8 { method(path: UnsafeRawBufferPointer($0)) }
    }

    /// A message by its full name, without a leading dot.
    package func message(fullName: UnsafeRawBufferPointer) -> UnsafePointer<MessageSchema>? {
        guard let start = fullName.baseAddress else { return nil }
        let index = messageNames.find(start.assumingMemoryBound(to: UInt8.self), fullName.count)
        return index < 0 ? nil : messages.baseAddress! + index
    }

    package func message(fullName: String) -> UnsafePointer<MessageSchema>? {
        var name = fullName
        return name.withUTF8 { message(fullName: UnsafeRawBufferPointer($0)) }
    }
}

/// Why files make no schema: every reason, by the names of what is wrong.
package struct SchemaFailure: Error, Hashable, Sendable {
    package let problems: [String]

    package init(problems: [String]) { self.problems = problems }
}

/// What `protoc --descriptor_set_out` writes.
package enum DescriptorSet {
    /// Its files, each the bytes of one FileDescriptorProto.
    package static func files(in set: [UInt8]) throws(WireFailure) -> [[UInt8]] {
        var files: [[UInt8]] = []
        try set.forEachField { (number, value) in if number == 1 { files.append(value.bytes) } }
        return files
    }
}
