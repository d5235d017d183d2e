internal import AccessControl
internal import Config
internal import Routing

extension Grammar where Value == OpenAPIConfiguration {
    static var openAPI: Grammar {
        .section(expected: "a mapping, {} for the defaults") { section in
            let title = section.value("title", .text("a title"), default: "API")
            let document = section.value("document", .servedPath, default: "/openapi.json")
            let page = section.value("page", .word("off", or: .servedPath), default: "/docs")
            if let page, page == document {
                section.report(
                    "found \(Quoted.text(page)), which the document has, expected a path of its own", about: "page")
            }
            return OpenAPIConfiguration(
                title: title, document: document, page: page, access: AccessRules(in: section, owner: "openapi"))
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var servedPath: Grammar {
        Grammar(expected: "a path such as /openapi.json") { (text: String) in
            guard let target = try? RouteMatch.Target(path: text), case .path = target else { return .mismatch }
            return .value(text)
        }
    }
}
