import Foundation
import Protobuf
import Testing

@testable import Transcoding

@Suite("Requests as gRPC messages")
struct RequestTranscoderTests {
    @Test(
        "path, query and body together are the message",
        arguments: [
            ("GET", "/v1/shelves/1/books/2", "", #"{"name":"shelves/1/books/2"}"#),
            ("GET", "/v1/books/a%2Fb%20c", "", #"{"name":"a/b c"}"#),
            ("GET", "/v1/shelves/a%2Fb%20c/books/2", "", #"{"name":"shelves/a%2Fb c/books/2"}"#),
            ("GET", "/v1/books/b?readMask=title,author.givenName", "", #"{"name":"b","readMask":"title,author.givenName"}"#),
            ("GET", "/v1/books/b?read_mask=author.given_name", "", #"{"name":"b","readMask":"author.givenName"}"#),
            (
                "GET",
                "/v1/shelves/1/books?pageSize=5&tags=a&tags=b+c&covers=COLOUR_RED&covers=2&filter.author.born=1815&filter.loan=1.5s",
                "",
                #"{"parent":"shelves/1","pageSize":5,"tags":["a","b c"],"covers":["COLOUR_RED","COLOUR_GREEN"],"filter":{"author":{"born":"1815"},"loan":"1.500s"}}"#
            ),
            (
                "GET", "/v1/shelves/1/books?filter.published=2006-01-02T15:04:05Z&filter.edition=0&filter.author.given_name=%C3%A9",
                "",
                #"{"parent":"shelves/1","filter":{"published":"2006-01-02T15:04:05Z","edition":0,"author":{"givenName":"é"}}}"#
            ),
            ("GET", "/v1/shelves/1/books?&pageSize=0&", "", #"{"parent":"shelves/1"}"#),
            (
                "POST", "/v1/shelves/1/books?dryRun=true", #"{"title":"t"}"#,
                #"{"book":{"title":"t"},"parent":"shelves/1","dryRun":true}"#
            ),
            ("POST", "/v1/shelves/1/books", "", #"{"parent":"shelves/1"}"#),
            (
                "PATCH", "/v1/shelves/1/books/2?updateMask=title", #"{"title":"t"}"#,
                #"{"book":{"title":"t","name":"shelves/1/books/2"},"updateMask":"title"}"#
            ),
            ("PATCH", "/v1/shelves/1/books/2", #"{"name":"shelves/1/books/2"}"#, #"{"book":{"name":"shelves/1/books/2"}}"#),
            ("PUT", "/v1/shelves/1/books/2", #"{"pages":3}"#, #"{"pages":3,"name":"shelves/1/books/2"}"#),
            ("PUT", "/v1/shelves/1/books/2", "", #"{"name":"shelves/1/books/2"}"#),
            ("PUT", "/v1/shelves/1/books/2", #"{"name":null}"#, #"{"name":"shelves/1/books/2"}"#),
            ("POST", "/martlet.kinds.v1.Library/Echo", #"{"aBool":true}"#, #"{"aBool":true}"#),
        ])
    func messages(method: String, target: String, body: String, expected: String) throws {
        for size in [1, 7, Int.max] {
            let messages = try Request(method: method, target: target, body: body, chunkBytes: size).messages()
            #expect(messages.count == 1)
            #expect(try isSame(messages[0], expected), "\(messages[0]) is not \(expected)")
        }
    }

    @Test(
        "what cannot be meant is refused by the name of the field",
        arguments: [
            ("GET", "/v1/books/b?nope=1", "", "nope", Problem.unknownMember),
            ("GET", "/v1/books/b?name=c", "", "name", .boundElsewhere),
            ("GET", "/v1/shelves/1/books?filter.nope=1", "", "filter.nope", .unknownMember),
            ("GET", "/v1/shelves/1/books?filter=1", "", "filter", .notInQuery),
            ("GET", "/v1/shelves/1/books?filter.labels=1", "", "filter.labels", .notInQuery),
            ("GET", "/v1/shelves/1/books?pageSize=1&page_size=2", "", "page_size", .givenTwice),
            ("GET", "/v1/shelves/1/books?pageSize=x", "", "pageSize", .expectedInteger),
            ("GET", "/v1/shelves/1/books?pageSize=1.5", "", "pageSize", .expectedInteger),
            ("GET", "/v1/shelves/1/books?covers=BLUE", "", "covers", .unknownEnumValue),
            ("GET", "/v1/shelves/1/books?tags=%f", "", "tags", .badPercent),
            ("GET", "/v1/shelves/1/books?tags=%ff", "", "tags", .notUTF8), ("GET", "/v1/books/%ff", "", "name", .notUTF8),
            ("GET", "/v1/books/b", "{}", "", .bodyUnexpected),
            ("POST", "/v1/shelves/1/books?book.title=a", "{}", "book.title", .inBody),
            ("PUT", "/v1/shelves/1/books/2?pages=3", "{}", "pages", .inBody),
            ("PUT", "/v1/shelves/1/books/2", #"{"name":"shelves/1/books/3"}"#, "name", .boundElsewhere),
            ("PUT", "/v1/shelves/1/books/2", #"{"name":""}"#, "name", .boundElsewhere),
            ("PATCH", "/v1/shelves/1/books/2", #"{"name":"shelves/1/books/3"}"#, "book.name", .boundElsewhere),
            ("PATCH", "/v1/shelves/1/books/2", #"{"author":{"nope":1}}"#, "book.author.nope", .unknownMember),
            ("POST", "/martlet.kinds.v1.Library/Echo?aBool=true", "{}", "aBool", .inBody),
        ])
    func refusals(method: String, target: String, body: String, path: String, problem: Problem) {
        #expect(throws: Request.Outcome.failure(.request, path: path, problem: "\(problem.text)")) {
            try Request(method: method, target: target, body: body).messages()
        }
    }

    private func plan(_ path: String, verb: String = "GET", body: String? = nil) -> TranscodingPlan {
        TranscodingPlan(
            schema: kindsSchema,
            rules: [
                TranscodingPlan.Rule(
                    selector: "martlet.kinds.v1.Library.Echo", rule: HTTPRule(verb: verb, path: path, body: body)),
                TranscodingPlan.Rule(
                    selector: "martlet.kinds.v1.Library.ListBooks", rule: HTTPRule(verb: "GET", path: "/x/{parent}:check")),
            ])
    }

    @Test(
        "a path binds every type that has a text form, as a query does",
        arguments: [
            ("timestamp", "2024-02-29T12:34:56.5Z", #""2024-02-29T12:34:56.500Z""#),
            ("timestamp", "2024-02-29T12%3A34%3A56.5%2B01:00", #""2024-02-29T11:34:56.500Z""#),
            ("duration", "-1.5s", #""-1.500s""#),
            ("field_mask", "title,author.givenName", #""title,author.givenName""#),
            ("field_mask", "author.given_name", #""author.givenName""#),
            ("wrapped_double", "1.5", "1.5"), ("wrapped_float", "-Infinity", #""-Infinity""#), ("wrapped_int64", "-7", #""-7""#),
            ("wrapped_uint64", "18446744073709551615", #""18446744073709551615""#), ("wrapped_int32", "0", "0"),
            ("wrapped_uint32", "4294967295", "4294967295"), ("wrapped_bool", "false", "false"), ("wrapped_bool", "true", "true"),
            ("wrapped_string", "a%2Fb:c.d", #""a/b:c.d""#), ("wrapped_bytes", "_-8=", #""/+8=""#), ("null", "NULL_VALUE", nil),
            ("chosen_duration", "3s", #""3s""#),
        ])
    func textForms(field: String, text: String, value: String?) throws {
        let name = field.split(separator: "_").enumerated().map { $0 == 0 ? "\($1)" : $1.capitalized }.joined()
        let expected = value.map { "{\"\(name)\":\($0)}" } ?? "{}"
        let messages = try Request(method: "GET", target: "/x/\(text)").messages(plan("/x/{\(field)}"))
        #expect(try isSame(messages[0], expected), "\(messages[0]) is not \(expected)")
        // The body may say the same and nothing else.
        let posted = plan("/x/{\(field)}", verb: "POST", body: "*")
        #expect(try isSame(try Request(target: "/x/\(text)", body: expected).messages(posted)[0], expected))
        #expect(try isSame(try Request(target: "/x/\(text)", body: "{\"\(name)\":null}").messages(posted)[0], expected))
        guard value != nil, field != "wrapped_int32", field != "wrapped_bool" else { return }
        let other =
            field == "timestamp"
            ? "1970-01-01T00:00:00Z" : field.hasSuffix("duration") ? "0s" : field.contains("wrapped_b") ? "" : "0"
        #expect(throws: Request.Outcome.failure(.request, path: name, problem: "\(Problem.boundElsewhere.text)")) {
            try Request(target: "/x/\(text)", body: "{\"\(name)\":\"\(other)\"}").messages(posted)
        }
    }

    @Test(
        "a text that its type does not have is refused by the name of the field",
        arguments: [
            ("timestamp", "2024-02-30T12:34:56Z", Problem.badTimestamp), ("duration", "1.5", .badDuration),
            ("wrapped_int64", "1.5", .expectedInteger),
            ("wrapped_bool", "TRUE", .expectedBoolean), ("wrapped_bytes", "a", .badBase64), ("wrapped_string", "%ff", .notUTF8),
        ])
    func noTextForms(field: String, text: String, problem: Problem) {
        let name = field.split(separator: "_").enumerated().map { $0 == 0 ? "\($1)" : $1.capitalized }.joined()
        #expect(throws: Request.Outcome.failure(.request, path: name, problem: "\(problem.text)")) {
            try Request(method: "GET", target: "/x/\(text)").messages(plan("/x/{\(field)}"))
        }
    }

    @Test(
        "in a variable of several segments only %2F stays as it is",
        arguments: [
            (
                "/x/{a_string=y/*}", "/x/y/%3A%3f%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%20%C3%A9%25%2f",
                "y/:?#[]@!$&'()*+,;= é%%2f"
            ),
            ("/x/{a_string=**}", "/x/a%3Ab/c%2Fd", "a:b/c%2Fd"), ("/x/{a_string=y/**}", "/x/y", "y"),
            ("/x/{a_string=*}", "/x/a%2Fb%3A", "a/b:"), ("/x/{wrapped_string=y/*}", "/x/y/a%40b%2Fc", "y/a@b%2Fc"),
        ])
    func severalSegments(template: String, target: String, text: String) throws {
        let name = template.contains("wrapped") ? "wrappedString" : "aString"
        #expect(try Request(method: "GET", target: target).messages(plan(template)) == ["{\"\(name)\":\"\(text)\"}"])
    }

    @Test("another member of a oneof that the path bound is refused")
    func boundOneof() throws {
        let rule = TranscodingPlan.Rule(
            selector: "martlet.kinds.v1.Library.Echo", rule: HTTPRule(verb: "POST", path: "/x/{chosen_number}", body: "*"))
        let plan = TranscodingPlan(schema: kindsSchema, rules: [rule])
        #expect(throws: Request.Outcome.failure(.request, path: "chosenText", problem: "\(Problem.oneofConflict.text)")) {
            try Request(target: "/x/1", body: #"{"chosenText":"a"}"#).messages(plan)
        }
        #expect(
            try Request(target: "/x/1", body: #"{"chosenNumber":1,"aBool":true}"#).messages(plan) == [
                #"{"aBool":true,"chosenNumber":1}"#
            ])
    }

    @Test("unknown parameters are passed over where the options say so")
    func ignoring() throws {
        let plan = TranscodingPlan(schema: kindsSchema, options: lenient { $0.ignoresUnknownParameters = true })
        #expect(try Request(method: "GET", target: "/v1/books/b?nope=1").messages(plan) == [#"{"name":"b"}"#])
        let fields = TranscodingPlan(schema: kindsSchema, options: lenient { $0.ignoresUnknown = true })
        #expect(throws: Request.Outcome.self) { try Request(method: "GET", target: "/v1/books/b?nope=1").messages(fields) }
        #expect(throws: Request.Outcome.self) { try Request(method: "GET", target: "/v1/books/b?name=c").messages(plan) }
    }

    @Test(
        "a client stream is lines or an array, each element a message as it completes",
        arguments: [
            "{\"title\":\"a\"}\n{\"title\":\"b\"}\n", #"[{"title":"a"},{"title":"b"}]"#, #" [ {"title":"a"} , {"title":"b"} ] "#,
        ])
    func streams(body: String) throws {
        for size in [1, 3, 10, Int.max] {
            let messages = try Request(target: "/v1/books:import", body: body, chunkBytes: size).messages()
            #expect(messages == [#"{"title":"a"}"#, #"{"title":"b"}"#])
        }
        #expect(try Request(target: "/v1/books:import", body: "").messages() == [])
        #expect(throws: Request.Outcome.failure(.request, path: "[1].nope", problem: "no such field")) {
            try Request(target: "/v1/books:import", body: #"[{},{"nope":1}]"#).messages()
        }
    }

    @Test("a message is taken at the limit of its size and refused one above it")
    func size() throws {
        let plan = TranscodingPlan(schema: kindsSchema, options: lenient { $0.messageBytesMax = 20 })
        for (chunkBytes, target) in [
            (1, "/v1/books:import"), (Int.max, "/v1/books:import"), (1, "/martlet.kinds.v1.Library/ReplaceBook"),
        ] {
            _ = try Request(target: target, body: #"{"title":"12345678"}"#, chunkBytes: chunkBytes).messages(plan)
            #expect(throws: Request.Outcome.failure(.requestTooLarge, path: "", problem: "a message of more than 20 bytes")) {
                try Request(target: target, body: #"{"title":"123456789"}"#, chunkBytes: chunkBytes).messages(plan)
            }
        }
    }

    @Test("an HttpBody is the bytes as they are, with their type")
    func raw() throws {
        let messages = try Request(target: "/v1/files/a/b", body: "hello", contentType: "text/plain", chunkBytes: 2).messages()
        #expect(messages == [#"{"file":{"contentType":"text/plain","data":"aGVsbG8="},"name":"a/b"}"#])
    }

    @Test("long messages inside each other keep their lengths")
    func lengths() throws {
        for count in [100, 127, 128, 200, 16_383, 16_384, 20_000] {
            let text = String(repeating: "x", count: count)
            let json =
                #"{"child":{"child":{"aString":"\#(text)","strings":["\n\#(text)"]},"kindsByInt32":{"1":{"aString":"\#(text)"}}}}"#
            let messages = try Request(target: "/martlet.kinds.v1.Library/Echo", body: json).messages()
            #expect(try isSame(messages[0], json))
        }
    }
}
