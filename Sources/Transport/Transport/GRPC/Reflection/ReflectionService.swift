internal import Bytes
package import GRPC

/// The reflection service (grpc.reflection.v1 and v1alpha): describes what a server serves. One per worker.
package final class ReflectionService {
    private let files: [[UInt8]]
    private let outlines: [FileOutline]
    private var fileNames: [String: Int] = [:]
    private var symbols: [String: Int] = [:]
    private var extensions: [String: [UInt64: Int]] = [:]
    private let services: [String]

    /// - Parameters:
    ///   - files: encoded FileDescriptorProtos, with all that they import.
    ///   - services: those to be listed.
    package init(files: [[UInt8]], services: [String]) throws(WireReader.Failure) {
        var outlines: [FileOutline] = []
        for file in files {
            outlines.append(
                try file.span.bytes.withUnsafeBytes { (bytes) throws(WireReader.Failure) in try FileOutline(bytes) })
        }
        self.files = files
        self.outlines = outlines
        self.services = services
        for (index, outline) in outlines.enumerated() {
            fileNames[outline.name] = index
            for symbol in outline.symbols { symbols[symbol] = index }
            for field in outline.extensions { extensions[field.type, default: [:]][field.number] = index }
        }
    }

    package func register(on server: GRPCServer) {
        for version in ReflectionVersion.allCases {
            server.register(version.path, .streaming { [unowned self] _ in Stream(self) })
        }
    }

    package func answer(_ question: ReflectionQuestion) -> ReflectionAnswer {
        switch question {
        case .services: return .services(services)
        case .file(let name): return closure(of: fileNames[name], "no file \(name)")
        case .fileOfSymbol(let name): return closure(of: symbols[name], "no symbol \(name)")
        case .fileOfExtension(let type, let number):
            return closure(of: extensions[type]?[number], "no extension \(number) of \(type)")
        case .extensionNumbers(let type):
            guard symbols[type] != nil else { return Self.notFound("no symbol \(type)") }
            return .extensionNumbers(type: type, (extensions[type] ?? [:]).keys.sorted())
        }
    }

    /// The file and all that it imports.
    private func closure(of file: Int?, _ message: String) -> ReflectionAnswer {
        guard let file else { return Self.notFound(message) }
        var order = [file]
        var next = 0
        while next < order.count {
            for name in outlines[order[next]].imports {
                if let index = fileNames[name], !order.contains(index) { order.append(index) }
            }
            next += 1
        }
        return .files(order.map { files[$0] })
    }

    private static func notFound(_ message: String) -> ReflectionAnswer {
        .error(code: UInt64(StatusCode.notFound.rawValue), message: message)
    }

    /// One stream of questions. A peer that does not read the answers is not read from either.
    private final class Stream: CallHandler {
        private unowned let service: ReflectionService

        init(_ service: ReflectionService) { self.service = service }

        func received(_ call: GRPCCall, _ message: UnsafeRawBufferPointer) {
            guard let question = try? ReflectionQuestion.read(message) else {
                return call.finish(CallStatus(.invalidArgument, "the request asks nothing that is known"))
            }
            call.send { service.answer(question).append(to: message, into: &$0) }
            if !call.isWritable { call.pauseReading() }
        }

        func drained(_ call: GRPCCall) { call.resumeReading() }

        func requestEnded(_ call: GRPCCall) { call.finish(.ok) }
    }
}
