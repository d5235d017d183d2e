package import Bytes

/// The messages of `grpc.reflection.v1.ServerReflection`; those of `v1alpha` are the same on the wire.
package enum ReflectionVersion: String, CaseIterable, Sendable {
    case v1
    case v1alpha

    package var serviceName: String { "grpc.reflection.\(rawValue).ServerReflection" }
    package var path: String { "/\(serviceName)/ServerReflectionInfo" }
}

/// What a ServerReflectionRequest asks.
package enum ReflectionQuestion: Equatable, Sendable {
    case services
    /// By its name, as an import has it.
    case file(String)
    /// The file that defines a service, method, message, enum, field or extension.
    case fileOfSymbol(String)
    case fileOfExtension(type: String, number: UInt64)
    /// The numbers of all extensions of a message.
    case extensionNumbers(type: String)

    package func append(to buffer: inout ByteBuffer) {
        switch self {
        // Its text means nothing, but only a field that is there says which question it is.
        case .services: WireWriter.field(7, text: "*", into: &buffer)
        case .file(let name): WireWriter.field(3, text: name, into: &buffer)
        case .fileOfSymbol(let name): WireWriter.field(4, text: name, into: &buffer)
        case .extensionNumbers(let type): WireWriter.field(6, text: type, into: &buffer)
        case .fileOfExtension(let type, let number):
            let place = WireWriter.open(5, in: &buffer)
            WireWriter.field(1, text: type, into: &buffer)
            WireWriter.field(2, varint: number, into: &buffer)
            WireWriter.close(place, in: &buffer)
        }
    }

    /// `nil` where the request asks nothing that we know.
    package static func read(_ message: UnsafeRawBufferPointer) throws(WireReader.Failure) -> ReflectionQuestion? {
        var question: ReflectionQuestion?
        var reader = WireReader(message)
        while let tag = try reader.next() {
            guard tag.type == .bytes, (3...7).contains(tag.number) else {
                try reader.skip(tag)
                continue
            }
            switch tag.number {
            case 3: question = .file(try reader.string())
            case 4: question = .fileOfSymbol(try reader.string())
            case 5: question = try fileOfExtension(reader.bytes())
            case 6: question = .extensionNumbers(type: try reader.string())
            default:
                _ = try reader.bytes()
                question = .services
            }
        }
        return question
    }

    private static func fileOfExtension(
        _ message: UnsafeRawBufferPointer
    ) throws(WireReader.Failure) -> ReflectionQuestion {
        var type = ""
        var number: UInt64 = 0
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes): type = try reader.string()
            case (2, .varint): number = try ExtensionNumber.read(reader.uint64())
            default: try reader.skip(tag)
            }
        }
        return .fileOfExtension(type: type, number: number)
    }
}

/// What a ServerReflectionResponse answers.
package enum ReflectionAnswer: Equatable, Sendable {
    /// Each an encoded FileDescriptorProto: the one that was asked for, and mostly those that it imports.
    case files([[UInt8]])
    case services([String])
    case extensionNumbers(type: String, [UInt64])
    /// A gRPC status code, and words for people.
    case error(code: UInt64, message: String)

    /// Appends the answer to `request`, an encoded ServerReflectionRequest.
    package func append(to request: UnsafeRawBufferPointer, into buffer: inout ByteBuffer) {
        let original = WireWriter.open(2, in: &buffer)
        buffer.append(request)
        WireWriter.close(original, in: &buffer)
        switch self {
        case .files(let files):
            let place = WireWriter.open(4, in: &buffer)
            for file in files { file.withUnsafeBytes { WireWriter.field(1, bytes: $0, into: &buffer) } }
            WireWriter.close(place, in: &buffer)
        case .extensionNumbers(let type, let numbers):
            let place = WireWriter.open(5, in: &buffer)
            WireWriter.field(1, text: type, into: &buffer)
            for number in numbers { WireWriter.field(2, varint: number, into: &buffer) }
            WireWriter.close(place, in: &buffer)
        case .services(let names):
            let place = WireWriter.open(6, in: &buffer)
            for name in names {
                let service = WireWriter.open(1, in: &buffer)
                WireWriter.field(1, text: name, into: &buffer)
                WireWriter.close(service, in: &buffer)
            }
            WireWriter.close(place, in: &buffer)
        case .error(let code, let message):
            let place = WireWriter.open(7, in: &buffer)
            WireWriter.field(1, varint: code, into: &buffer)
            WireWriter.field(2, text: message, into: &buffer)
            WireWriter.close(place, in: &buffer)
        }
    }

    /// `nil` where the response answers nothing that we know; and the request that it says it answers, where it does.
    package static func read(
        _ message: UnsafeRawBufferPointer
    ) throws(WireReader.Failure) -> (answer: ReflectionAnswer?, question: ReflectionQuestion?) {
        var answer: ReflectionAnswer?
        var question: ReflectionQuestion?
        var reader = WireReader(message)
        while let tag = try reader.next() {
            if tag.type == .bytes, tag.number == 2 {
                question = try ReflectionQuestion.read(reader.bytes())
                continue
            }
            guard tag.type == .bytes, (4...7).contains(tag.number) else {
                try reader.skip(tag)
                continue
            }
            let body = try reader.bytes()
            switch tag.number {
            case 4: answer = try files(body)
            case 5: answer = try extensionNumbers(body)
            case 6: answer = try services(body)
            default: answer = try error(body)
            }
        }
        return (answer, question)
    }

    private static func files(_ message: UnsafeRawBufferPointer) throws(WireReader.Failure) -> ReflectionAnswer {
        var files: [[UInt8]] = []
        var reader = WireReader(message)
        while let tag = try reader.next() {
            if tag.number == 1, tag.type == .bytes { files.append([UInt8](try reader.bytes())) } else { try reader.skip(tag) }
        }
        return .files(files)
    }

    private static func services(_ message: UnsafeRawBufferPointer) throws(WireReader.Failure) -> ReflectionAnswer {
        var names: [String] = []
        var reader = WireReader(message)
        while let tag = try reader.next() {
            guard tag.number == 1, tag.type == .bytes else {
                try reader.skip(tag)
                continue
            }
            var service = WireReader(try reader.bytes())
            while let tag = try service.next() {
                if tag.number == 1, tag.type == .bytes { names.append(try service.string()) } else { try service.skip(tag) }
            }
        }
        return .services(names)
    }

    private static func extensionNumbers(
        _ message: UnsafeRawBufferPointer
    ) throws(WireReader.Failure) -> ReflectionAnswer {
        var type = ""
        var numbers: [UInt64] = []
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .bytes): type = try reader.string()
            case (2, .varint): numbers.append(try ExtensionNumber.read(reader.uint64()))
            case (2, .bytes):
                var packed = try reader.bytes()
                while packed.count > 0 {
                    var number = WireReader(packed)
                    numbers.append(try ExtensionNumber.read(number.uint64()))
                    packed = number.rest
                }
            default: try reader.skip(tag)
            }
        }
        return .extensionNumbers(type: type, numbers)
    }

    private static func error(_ message: UnsafeRawBufferPointer) throws(WireReader.Failure) -> ReflectionAnswer {
        var code: UInt64 = 0
        var text = ""
        var reader = WireReader(message)
        while let tag = try reader.next() {
            switch (tag.number, tag.type) {
            case (1, .varint): code = try reader.uint32().clamped(as: UInt64.self)
            case (2, .bytes): text = try reader.string()
            default: try reader.skip(tag)
            }
        }
        return .error(code: code, message: text)
    }
}

/// The number of an extension, as reflection tells it.
enum ExtensionNumber {
    /// None is higher than 2²⁹−1 (Protocol Buffers, "Assigning Field Numbers"): what is, becomes the first that nothing has.
    static func read(_ number: Untrusted<UInt64>) -> UInt64 { number.clamped(to: 0...0x2000_0000) }
}
