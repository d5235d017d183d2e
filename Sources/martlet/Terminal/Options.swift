import ArgumentParser
import Config
import JOSE

// Values of command-line options. An error names what was found and what was expected.

extension SigningAlgorithm: ExpressibleByArgument {
    package init?(argument: String) { self.init(rawValue: argument) }

    package static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

/// A duration as configuration files have them: `90s`, `1h30m`, `30d`.
struct DurationOption: CustomStringConvertible {
    let seconds: Int64

    init(_ text: String) throws {
        // A century is longer than any token is valid, and keeps sums of seconds far from overflow.
        guard let duration = DurationText.read(text), duration <= .seconds(36_500 * 86_400) else {
            throw ValidationError("found \(Quoted.text(text)), expected a duration such as 90s, 1h30m or 30d.")
        }
        seconds = duration.components.seconds
    }

    init(seconds: Int64) { self.seconds = seconds }

    var description: String { DurationText.text(.seconds(seconds)) }
}

/// `NAME=VALUE`: JSON where the value reads as JSON, text otherwise.
struct ClaimOption {
    let name: String
    let value: String

    init(_ text: String) throws {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw ValidationError("found \(Quoted.text(text)), expected NAME=VALUE.")
        }
        name = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }
}
