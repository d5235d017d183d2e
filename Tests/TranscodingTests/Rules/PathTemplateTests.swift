import Testing

@testable import Transcoding

@Suite("Path templates")
struct PathTemplateTests {
    @Test("a template is segments, variables and a verb")
    func parts() throws {
        let template = try PathTemplate("/v1/{book.name=shelves/*/books/*}/{rest=**}:undo-all")
        #expect(
            template.segments == [
                .literal(Array("v1".utf8)), .literal(Array("shelves".utf8)), .one, .literal(Array("books".utf8)), .one, .rest,
            ])
        #expect(template.verb == Array("undo-all".utf8))
        #expect(template.variables.map(\.fieldPath) == [["book", "name"], ["rest"]])
        #expect(template.variables.map(\.segments) == [1..<5, 5..<6])
        #expect(template.variables.map(\.isSingle) == [false, false])
        #expect(try PathTemplate("/a/{b}") == PathTemplate("/a/{b=*}"))
    }

    @Test(
        "what is no template is refused, with the character",
        arguments: [
            ("", "expected /", 1), ("v1", "expected /", 1), ("/", "expected a segment", 2), ("/a/", "expected a segment", 4),
            ("/a//b", "expected a segment", 4), ("/**/a", "nothing may follow **", 5), ("/{a=**}/b", "nothing may follow **", 9),
            ("/{a", "expected }", 4), ("/{}", "expected the name of a field", 3), ("/{a.}", "expected the name of a field", 5),
            ("/{a={b}}", "a variable within a variable", 5), ("/{a}/{a}", "a is bound twice", 7), ("/a:", "expected a segment", 4),
            ("/a:b/c", "expected the end of the path", 5), ("/a%2", "malformed percent escape", 3),
            ("/a b", "expected the end of the path", 3),
        ])
    func mistakes(text: String, problem: String, column: Int) {
        #expect(throws: PathTemplate.Mistake(problem: problem, column: column)) { try PathTemplate(text) }
    }
}
