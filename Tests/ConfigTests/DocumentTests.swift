import Testing

@testable import Config

@Suite struct DocumentTests {
    private func report(_ text: String) -> String { Reader(text, file: "test.yaml", surroundings: Surroundings()).issues.report }

    @Test(
        "every scalar is its raw text, whatever YAML 1.1 would make of it",
        arguments: [
            "on", "no", "1:30", "1.10", "0x1F", "007", "~", "null", "2001-01-01", "1_000", "<<", "=", "true", ".5", "1e3",
        ])
    func rawText(text: String) {
        #expect(reading(text, as: .text).value == text)
    }

    @Test(
        "an address in brackets that was not quoted is told to be quoted",
        arguments: [
            "endpoints:\n  - [::1]:50051\n", "endpoints: [[::1]:50051]\n", "endpoints: [10.0.0.1:80, [::1]:50051]\n",
            "address: [::1]:50051\n", "a: { address: [::1]:50051 }\n",
        ])
    func bracketedAddress(text: String) {
        #expect(report(text).contains("quote it: \"[::1]:50051\""), "\(report(text))")
        #expect(report(text).split(separator: "\n").count == 1)
    }

    @Test("a bare asterisk is told to be quoted")
    func asterisk() {
        #expect(report("routes:\n  - authority: *.acme.dev\n").hasSuffix("quote it: \"*.acme.dev\"\n"))
        #expect(report("deny: { header: { x-legacy: * } }\n").hasSuffix("quote it: \"*\"\n"))
    }

    @Test("a syntax error gives its place and ends the check")
    func syntaxError() {
        #expect(
            report("a: 1\nb: [1, 2\nc: 3\n")
                == "test.yaml:3:2: not YAML: did not find expected ',' or ']' while parsing a flow sequence, begun at 2:4\n")
        #expect(report("a: \"x\n").hasPrefix("test.yaml:2:1: not YAML: found unexpected end of stream"))
        #expect(report("a:\n\t- 1\n").hasPrefix("test.yaml:2:1: not YAML: found character that cannot start any token"))
    }

    @Test("a key given twice ends the check")
    func duplicateKey() {
        #expect(report("a: 1\nb:\n  c: 1\n  c: 2\n") == "test.yaml:3:3: the key \"c\" is given twice, here and further down\n")
        #expect(report("\"a\": 1\na: 2\n") == "test.yaml:1:1: the key \"a\" is given twice, here and further down\n")
    }

    @Test("an empty text is an empty mapping", arguments: ["", "# nothing\n", "---\n"])
    func empty(text: String) throws {
        let reader = Reader(text, file: "test.yaml", surroundings: Surroundings())
        #expect(reader.issues.isEmpty)
        if text == "---\n" {
            // A document with a root that is nothing.
            #expect(reader.root?.found == "nothing")
        } else {
            #expect(reader.root?.entries?.isEmpty == true)
        }
    }

    @Test("two documents, tags and keys that are not text are refused")
    func refused() {
        #expect(report("a: 1\n---\nb: 1\n") == "test.yaml:2:1: found a second document, expected one\n")
        #expect(report("a: !!int 5\n").contains("found the tag"))
        #expect(report("a: !secret x\n").contains("found the tag"))
        #expect(report("{ [a]: b }\n").contains("found a list as a key"))
        #expect(report("? {a: b}\n: c\n").contains("found a mapping as a key"))
    }

    @Test("merge keys are told, and so are keys that a tool for YAML 1.1 has rewritten")
    func otherYAML() {
        #expect(report("a: &x { b: 1 }\nc: { <<: *x, d: 2 }\n").hasPrefix("test.yaml:2:6: c: found a merge key (<<)"))
        let (_, said) = reading("true: 1\n") { $0.optional("on", .count()) }
        #expect(said == "test.yaml:1:1: true: unknown key; did you mean \"on\"? Tools for YAML 1.1 rewrite it as true\n")
    }

    @Test("an alias stands for what its anchor names")
    func alias() {
        let (value, report) = reading("a: &x [1, 2]\nb: *x\n") { section in
            section.node("a").flatMap { _ in section.required("b", .list(of: .count())) }
        }
        #expect(value == [1, 2] && report.isEmpty)
    }

    @Test("an alias to nothing, or to what it is in, is told in plain words")
    func badAlias() {
        #expect(
            report("a: x\nb: [*c]\n")
                == "test.yaml:2:5: found \"*c\", but nothing before it is named &c; if it is meant as text, quote it\n")
        for text in ["a: &a [*a]\n", "a: &a {b:  *a}\n", "&a\nb: [x, *a]\n"] {
            #expect(report(text).contains("found \"*a\" inside of what &a names"), "\(report(text))")
        }
        // A name that only begins alike is another one.
        #expect(report("a: &ab [*a]\n").contains("nothing before it is named &a"))
    }

    @Test("a byte order mark before the text is no part of it")
    func byteOrderMark() {
        let (value, said) = reading("\u{FEFF}a: 1\nb: 2\n") { section in
            section.required("a", .count()).flatMap { a in section.required("b", .count()).map { [a, $0] } }
        }
        #expect(value == [1, 2] && said.isEmpty)
        #expect(report("\u{FEFF}a: [x\n").hasPrefix("test.yaml:2:1: not YAML"))
        #expect(report("\u{FEFF}").isEmpty)
        #expect(reading("\u{FEFF}a: x\n") { $0.required("a", .count()) }.report.hasPrefix("test.yaml:1:4: a: found \"x\""))
    }

    @Test("text behind the whole is told to be so", arguments: ["{a: 1}}\n", " a: 1\nb: 2\n", "a: 1\n...\nb\n"])
    func behindTheEnd(text: String) {
        #expect(report(text).contains("found text after the end of the configuration"), "\(report(text))")
    }

    @Test("aliases that multiply end the check instead of the memory")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            text += "a\(level): &a\(level) [" + [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(report(text).contains("found more than 1000000 values"))
    }

    @Test("nesting is bounded", arguments: [31, 32, 100, 5000])
    func nesting(levels: Int) {
        let text = "a: " + String(repeating: "[", count: levels - 1) + "x" + String(repeating: "]", count: levels - 1)
        #expect(report(text).isEmpty == (levels <= 32), "\(report(text))")
        #expect(levels <= 32 || report(text).hasSuffix("found more than 32 levels of nesting\n"), "\(report(text))")
    }

    @Test("bytes that are no text are refused, not read as something else")
    func control() {
        #expect(report("a: \u{0}\n").contains("not YAML"))
        #expect(report("a: \u{7}\n").contains("not YAML"))
    }

    @Test("variables are put in after parsing, as text")
    func variables() {
        let environment = ["HOST": "db", "ODD": "a: [b, \"c\" # d\n- e", "NONE": ""]
        func text(_ yaml: String) -> (String?, String) {
            let (value, report) = reading("key: \(yaml)", environment: environment) { $0.required("key", .text) }
            return (value, report)
        }
        #expect(text("${HOST}").0 == "db")
        #expect(text("\"redis://${HOST}:${HOST}/\"").0 == "redis://db:db/")
        #expect(text("${ODD}").0 == environment["ODD"])
        #expect(text("$${HOST}").0 == "${HOST}")
        #expect(text("$5 $").0 == "$5 $")
        #expect(text("${GONE}").1 == "test.yaml:1:6: key: the environment variable GONE is not set\n")
        #expect(text("${NONE}").1 == "test.yaml:1:6: key: found \"${NONE}\", expected text\n")
        for wrong in ["${HOST", "${}", "${A-B}", "${1A}", "${HOST:-x}"] {
            #expect(
                text("\"\(wrong)\"").1
                    == "test.yaml:1:6: key: found \"\(wrong)\", expected ${NAME} for an environment variable, or $${ for ${ itself\n"
            )
        }
    }

    @Test("a variable is shown with what it is, but for what may be a secret")
    func environmentIsNotShown() {
        let (_, report) = reading("timeout: ${T}", environment: ["T": "hunter2"]) { $0.required("timeout", .duration) }
        #expect(
            report == "test.yaml:1:10: timeout: found \"${T}\" (T is \"hunter2\"), expected a duration such as 250ms or 5s\n")
        let secrets = [
            ("timeout", "DB_PASSWORD", "hunter2"), ("password", "T", "hunter2"), ("timeout", "T", "redis://u:p@a"),
            ("timeout", "T", "a$b"),
            ("timeout", "T", "abcdefghijklmnopqrstuvwxyz"), ("api_token", "T", "zqx"),
        ]
        for (key, name, value) in secrets {
            let (_, report) = reading("\(key): \"${\(name)}\"", environment: [name: value]) { $0.required(key, .duration) }
            #expect(report.contains("found \"${\(name)}\"") && !report.contains(value), "\(report)")
        }
        let (_, two) = reading("a: \"${A}-${B}-${A}\"", environment: ["A": "x", "B": "y"]) { $0.required("a", .count()) }
        #expect(two.contains("(A is \"x\", B is \"y\")"))
    }
}
