/// What a server is still to be asked by reflection, and what has come of it. Pure: its owner has the stream.
///
/// One question at a time: `next` is put, and `received` says whether it has been answered. Answers to other questions, and a
/// second answer to the same one, are told by the request that they repeat, or by what they hold, and waited past.
package struct ReflectionQuestions {
    package enum Failure: Error, Equatable {
        /// The services are not told.
        case refused(StatusCode, String)
        case unusable(String)
        /// More than is taken: asking in another way would bring no less.
        case tooMuch(String)
    }

    /// Answers to nothing that is asked, before the server is taken to be out of order.
    package static let straysMax = 1000

    /// As the server lists them.
    package private(set) var services: [String] = []
    /// Each an encoded FileDescriptorProto, none twice.
    package private(set) var files: [[UInt8]] = []
    package private(set) var knowsServices = false
    package private(set) var asked: ReflectionQuestion?
    private var withoutFileAtFirst: [(service: String, reason: String)] = []
    private var missingAtFirst: [(file: String, reason: String)] = []
    private var waiting: [ReflectionQuestion] = [.services]
    private var knownFiles: Set<String> = []
    /// Asked for, with or without success.
    private var triedFiles: Set<String> = []
    private var knownServices: Set<String> = []
    private var byteCount = 0
    private var strayCount = 0
    private let filesMax: Int
    private let bytesMax: Int

    package init(filesMax: Int, bytesMax: Int) {
        self.filesMax = filesMax
        self.bytesMax = bytesMax
    }

    /// Services of the list whose file the server did not give, and why.
    package var withoutFile: [(service: String, reason: String)] {
        // Another answer may have brought it.
        withoutFileAtFirst.filter { !knownServices.contains($0.service) }
    }

    /// Files that are imported, which the server did not give, and why.
    package var missing: [(file: String, reason: String)] { missingAtFirst.filter { !knownFiles.contains($0.file) } }

    /// As before the first question.
    package mutating func reset() { self = ReflectionQuestions(filesMax: filesMax, bytesMax: bytesMax) }

    /// What is asked now; `nil` where everything has been.
    package mutating func next() -> ReflectionQuestion? {
        asked = nil
        while let question = waiting.popLast() {
            if case .file(let name) = question, knownFiles.contains(name) || triedFiles.contains(name) { continue }
            if case .fileOfSymbol(let name) = question, knownServices.contains(name) { continue }
            asked = question
            return question
        }
        return nil
    }

    /// The stream ended over what is asked: it is next again.
    package mutating func repeatAsked() {
        if let asked { waiting.append(asked) }
        asked = nil
    }

    /// What is asked has no answer.
    package mutating func failed(_ reason: String) {
        switch asked {
        case .fileOfSymbol(let name)?: withoutFileAtFirst.append((name, reason))
        // Files that hold nothing but options are often missing: the linker reports what is needed and missing.
        case .file(let name)?:
            triedFiles.insert(name)
            missingAtFirst.append((name, reason))
        case .services?, .fileOfExtension?, .extensionNumbers?, nil: break
        }
        asked = nil
    }

    /// Returns whether what is asked has been answered.
    package mutating func received(_ message: UnsafeRawBufferPointer) throws(Failure) -> Bool {
        let answer: ReflectionAnswer?
        let question: ReflectionQuestion?
        do throws(WireReader.Failure) { (answer, question) = try ReflectionAnswer.read(message) } catch {
            return try unreadable("an answer is no ServerReflectionResponse")
        }
        guard let answer else { return try unreadable("an answer holds nothing that was asked for") }
        var isNew = false
        if case .files(let files) = answer, knowsServices {
            for file in files where try take(file) { isNew = true }
        }
        guard let asked, isAnswered(asked, by: answer, to: question, isNew: isNew) else { return try stray() }
        switch (asked, answer) {
        case (.services, .services(let names)): try take(services: names)
        case (.services, .error(let code, let message)):
            let code = UInt8(exactly: code).flatMap { StatusCode(rawValue: $0) } ?? .unknown
            throw .refused(code, message)
        case (_, .error(_, let message)): failed(message)
        case (.fileOfSymbol(let name), .files):
            if !knownServices.contains(name) { failed("the file that was sent does not define it") }
        case (.file(let name), .files): triedFiles.insert(name)
        default: failed("the server answered something else")
        }
        self.asked = nil
        return true
    }

    private func isAnswered(
        _ asked: ReflectionQuestion, by answer: ReflectionAnswer, to question: ReflectionQuestion?, isNew: Bool
    ) -> Bool {
        if let question, question != asked { return false }
        switch (asked, answer) {
        case (.services, .services), (_, .error): return true
        case (.services, _), (_, .services), (_, .extensionNumbers): return false
        case (.fileOfSymbol(let name), .files): return question != nil || isNew || knownServices.contains(name)
        case (.file(let name), .files): return question != nil || isNew || knownFiles.contains(name)
        default: return true
        }
    }

    private mutating func unreadable(_ reason: String) throws(Failure) -> Bool {
        guard knowsServices else { throw .unusable(reason) }
        guard asked != nil else { return try stray() }
        failed(reason)
        return true
    }

    private mutating func stray() throws(Failure) -> Bool {
        strayCount += 1
        guard strayCount <= Self.straysMax else {
            throw .tooMuch("more than \(Self.straysMax) answers to other questions than the one asked")
        }
        return false
    }

    private mutating func take(services names: [String]) throws(Failure) {
        guard names.count <= filesMax else { throw .tooMuch("more than \(filesMax) services") }
        knowsServices = true
        services = names
        // The last is asked first.
        waiting = names.reversed().map { .fileOfSymbol($0) }
    }

    /// Returns whether the file was not there yet.
    private mutating func take(_ file: [UInt8]) throws(Failure) -> Bool {
        // What is no protobuf defines nothing: that is told of the service that it was sent for.
        guard let outline = try? file.span.bytes.withUnsafeBytes({ (bytes) throws(WireReader.Failure) in try FileOutline(bytes) }),
            !knownFiles.contains(outline.name)
        else { return false }
        knownFiles.insert(outline.name)
        byteCount += file.count
        guard byteCount <= bytesMax, files.count < filesMax else {
            throw .tooMuch("more than \(bytesMax) bytes or \(filesMax) files")
        }
        files.append(file)
        knownServices.formUnion(outline.services)
        // Behind the services, which mostly bring what they import: asked last, of those that are still missing.
        waiting.insert(contentsOf: outline.imports.filter { !knownFiles.contains($0) }.map { .file($0) }, at: 0)
        return true
    }
}
