import Bytes
import Testing

@testable import GRPC

@Suite("What is asked by reflection")
struct ReflectionQuestionsTests {
    private func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }
    private func text(_ number: UInt8, _ content: String) -> [UInt8] { field(number, Array(content.utf8)) }

    /// A file with one service `S` in a package of the file's name.
    private func file(_ name: String, imports: [String] = [], hasService: Bool = true) -> [UInt8] {
        text(1, name) + text(2, name) + imports.flatMap { text(3, $0) } + (hasService ? field(6, text(1, "S")) : [])
    }

    private func receive(
        _ answer: ReflectionAnswer, to question: ReflectionQuestion?, _ questions: inout ReflectionQuestions
    ) throws -> Bool {
        var request = ByteBuffer()
        question?.append(to: &request)
        var message = ByteBuffer()
        answer.append(to: request.readable, into: &message)
        return try questions.received(message.readable)
    }

    private func begun(_ services: [String]) throws -> ReflectionQuestions {
        var questions = ReflectionQuestions(filesMax: 100, bytesMax: 10_000)
        #expect(questions.next() == .services)
        #expect(try receive(.services(services), to: .services, &questions))
        return questions
    }

    @Test("an answer twice, or to another question, is waited past", arguments: [true, false])
    func twice(repeatsRequest: Bool) throws {
        var questions = try begun(["a.S", "b.S"])
        #expect(questions.next() == .fileOfSymbol("a.S"))
        #expect(try !receive(.services(["a.S"]), to: repeatsRequest ? .services : nil, &questions))
        let first = ReflectionAnswer.files([file("a", imports: ["c"])])
        #expect(try receive(first, to: repeatsRequest ? .fileOfSymbol("a.S") : nil, &questions))
        #expect(questions.next() == .fileOfSymbol("b.S"))
        for _ in 0..<3 { #expect(try !receive(first, to: repeatsRequest ? .fileOfSymbol("a.S") : nil, &questions)) }
        #expect(try receive(.files([file("b")]), to: repeatsRequest ? .fileOfSymbol("b.S") : nil, &questions))
        #expect(questions.next() == .file("c"))
        #expect(try receive(.files([file("c", hasService: false)]), to: nil, &questions))
        #expect(questions.next() == nil)
        #expect(questions.files.count == 3 && questions.withoutFile.isEmpty && questions.missing.isEmpty)
    }

    @Test("what comes out of order counts all the same")
    func order() throws {
        var questions = try begun(["a.S", "b.S"])
        _ = questions.next()
        #expect(try !receive(.files([file("b")]), to: .fileOfSymbol("b.S"), &questions))
        #expect(try receive(.files([file("a")]), to: .fileOfSymbol("a.S"), &questions))
        #expect(questions.next() == nil && questions.files.count == 2)
    }

    @Test("an error, a broken answer and a broken file cost their service only")
    func errors() throws {
        var questions = try begun(["a.S", "b.S", "c.S", "d.S"])
        _ = questions.next()
        #expect(try receive(.error(code: 5, message: "not found"), to: .fileOfSymbol("a.S"), &questions))
        _ = questions.next()
        #expect(try [UInt8(0x22), 9].withUnsafeBytes { try questions.received($0) })
        _ = questions.next()
        #expect(try receive(.files([[0xff]]), to: .fileOfSymbol("c.S"), &questions))
        _ = questions.next()
        #expect(try receive(.files([file("d", imports: ["e"])]), to: .fileOfSymbol("d.S"), &questions))
        #expect(questions.next() == .file("e"))
        #expect(try receive(.error(code: 5, message: "no file"), to: .file("e"), &questions))
        #expect(questions.next() == nil)
        #expect(questions.withoutFile.map(\.service) == ["a.S", "b.S", "c.S"])
        #expect(questions.missing.map(\.file) == ["e"] && questions.files.count == 1)
    }

    @Test("without the services there is nothing, and too much is too much")
    func limits() throws {
        var questions = ReflectionQuestions(filesMax: 1, bytesMax: 10_000)
        _ = questions.next()
        #expect(throws: ReflectionQuestions.Failure.refused(.permissionDenied, "no")) {
            try receive(.error(code: 7, message: "no"), to: .services, &questions)
        }
        #expect(throws: ReflectionQuestions.Failure.self) { try receive(.services(["a.S", "b.S"]), to: .services, &questions) }
        questions = try begun(["a.S"])
        _ = questions.next()
        for _ in 0..<ReflectionQuestions.straysMax { #expect(try !receive(.services([]), to: .services, &questions)) }
        #expect(throws: ReflectionQuestions.Failure.self) { try receive(.services([]), to: .services, &questions) }
    }

    @Test("a question that a stream ended over is put again")
    func again() throws {
        var questions = try begun(["a.S"])
        #expect(questions.next() == .fileOfSymbol("a.S"))
        questions.repeatAsked()
        #expect(questions.next() == .fileOfSymbol("a.S"))
        questions.failed("it ends the stream")
        #expect(questions.next() == nil && questions.withoutFile.map(\.reason) == ["it ends the stream"])
    }
}
