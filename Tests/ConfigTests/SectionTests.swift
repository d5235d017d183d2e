import Testing

@testable import Config

@Suite struct SectionTests {
    @Test("messages stand beneath each other in the order of the file")
    func format() {
        let text = """
            routes: [{}, {}, {}, { timeout: 5 parsecs }]
            clusters:
              orders:
                endpionts: [x]



            # the tenth line
            last: 1
            """
        let (_, report) = reading(text) { root -> Int? in
            _ = root.optional("clusters", .names("clusters", of: .section { $0.optional("endpoints", .list(of: .text)) }))
            _ = root.optional("routes", .list(of: .section { $0.optional("timeout", .duration) }))
            return nil
        }
        #expect(
            report == """
                test.yaml:1:33: routes[3].timeout: found "5 parsecs", expected a duration such as 250ms or 5s
                test.yaml:4:5:  clusters.orders.endpionts: unknown key; did you mean "endpoints"?
                test.yaml:9:1:  last: unknown key, expected clusters or routes

                """)
    }

    @Test("an unknown key without a likely meaning lists what is known")
    func unknown() {
        let (_, report) = reading("zebra: 1\n") { root -> Int? in
            _ = root.has("one"); _ = root.has("two"); _ = root.has("three")
            return nil
        }
        #expect(report == "test.yaml:1:1: zebra: unknown key, expected one, two or three\n")
    }

    @Test("a key left out is reported once, at its mapping")
    func missing() {
        let (value, report) = reading("list:\n  - { b: 1 }\n") { root in
            root.required(
                "list",
                .list(
                    of: .section { section -> Int? in
                        _ = section.node("b")
                        return section.required("a", .count())
                    }))
        }
        #expect(value == [])
        #expect(report == "test.yaml:2:5: list[0]: the key \"a\" is missing, expected a whole number\n")
    }

    @Test("the wrong kind of node says what was found")
    func kinds() {
        #expect(reading("{ a: 1 }", as: .count()).message == "found a mapping, expected a whole number")
        #expect(reading("[a]", as: .count()).message == "found a list, expected a whole number")
        #expect(reading("", as: .list(of: .count())).value == nil)
        #expect(reading("x", as: .list(of: .count())).message == "found \"x\", expected a list, each a whole number")
        #expect(reading("[]", as: .list(of: .count())).message == "found an empty list, expected a list, each a whole number")
        #expect(reading("[]", as: .list(of: .count(), isEmptyAllowed: true)).value == [])
        #expect(reading("x", as: Grammar<Int>.section { _ in 1 }).message == "found \"x\", expected a mapping")
    }

    @Test("a wrong element does not hide the others")
    func elements() {
        let (value, report) = reading("key: [1, two, 3, four]\n") { $0.required("key", .list(of: .count())) }
        #expect(value == [1, 3])
        #expect(report.split(separator: "\n").count == 2 && report.contains("key[3]: found \"four\""))
    }

    @Test("two keys that exclude each other")
    func exclusion() {
        let (_, report) = reading("a: 1\nb: 2\n") { root -> Int? in
            root.exclude("a", with: "b")
            return nil
        }
        #expect(report == "test.yaml:2:4: b: found beside \"a\", expected only one of the two\n")
    }

    @Test("a warning says that it is one and is no error")
    func warning() {
        let reader = Reader("a: 1\n", file: "test.yaml", surroundings: Surroundings())
        reader.report("think", at: Place(file: "test.yaml", line: 1, column: 4, path: "a"), severity: .warning)
        #expect(reader.issues.report == "test.yaml:1:4: a: warning: think\n")
        #expect(!reader.issues.hasErrors)
    }

    @Test("odd keys are quoted in paths, odd text is escaped and cut")
    func quoting() {
        let place = Place(file: "f", line: 1, column: 1, path: "clusters")
        #expect(place.path(of: "a.b") == "clusters[\"a.b\"]" && place.path(of: "a_b-1") == "clusters.a_b-1")
        #expect(place.path(of: 3) == "clusters[3]")
        #expect(Quoted.text("a\"b\\\n\u{1b}[31m\u{202e}") == #""a\"b\\\n\u{1b}[31m\u{202e}""#)
        #expect(Quoted.text(String(repeating: "x", count: 81)) == "\"" + String(repeating: "x", count: 80) + "…\"")
    }

    @Test(
        "the nearest name is found by slips of the keyboard",
        arguments: [
            ("endpionts", "endpoints"), ("adress", "address"), ("tsl", "tls"), ("lim1ts", "limits"), ("timeuot", "timeout"),
            ("audience", "audiences"), ("load_balancer", "load_balancing"),
        ])
    func spelling(word: String, meant: String) {
        let names = ["endpoints", "address", "tls", "limits", "timeout", "audiences", "load_balancing"]
        #expect(Spelling.nearest(to: word, among: names) == meant)
    }

    @Test("a name too far from every other is not guessed", arguments: ["x", "retry", "schema", "abc"])
    func noGuess(word: String) {
        #expect(Spelling.nearest(to: word, among: ["endpoints", "tls", "limits", "a"]) == nil)
    }
}
