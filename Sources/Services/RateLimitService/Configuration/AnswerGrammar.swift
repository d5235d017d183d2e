internal import Config
internal import HTTPModel

extension AnswerSettings {
    init(in section: Section) {
        self.init()
        headers = section.value("response_headers", .word("off", or: .answerHeaders), default: nil)
        nearPercent = section.value("near_limit", .percent, default: nearPercent)
        isShadow = section.value("shadow_mode", .boolean, default: false)
    }
}

extension Grammar where Value == AnswerSettings.Headers {
    fileprivate static var answerHeaders: Grammar {
        .section(expected: "off, or a mapping with limit, remaining and reset") { section in
            var headers = AnswerSettings.Headers()
            headers.limit = section.value("limit", .answerHeader, default: headers.limit)
            headers.remaining = section.value("remaining", .answerHeader, default: headers.remaining)
            headers.reset = section.value("reset", .answerHeader, default: headers.reset)
            return headers
        }
    }
}

extension Grammar where Value == String {
    fileprivate static var answerHeader: Grammar {
        Grammar(expected: "the name of a header, such as RateLimit-Limit") { (text: String) in
            (try? FieldMatch.headerName(text)) == nil ? .mismatch : .value(text)
        }
    }
}
