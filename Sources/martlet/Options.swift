import ArgumentParser
import Config
import JOSE

// Values that commands take as options: what is wrong with one is said with what was found and what was expected.

extension SigningAlgorithm: ExpressibleByArgument {
    package init?(argument: String) { self.init(rawValue: argument) }

    package static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

/// A duration as configuration files have them: `90s`, `1h30m`, `30d`.
struct DurationOption: ExpressibleByArgument, CustomStringConvertible {
    let duration: Duration

    init?(argument: String) {
        // A century is more than any token lives, and keeps sums of seconds far from overflow.
        guard let duration = DurationText.read(argument), duration <= .seconds(36_500 * 86_400) else { return nil }
        self.duration = duration
    }

    var seconds: Int64 { duration.components.seconds }
    var description: String { DurationText.text(duration) }
}

/// `NAME=VALUE`: JSON where the value reads as JSON, text otherwise.
struct ClaimOption: ExpressibleByArgument {
    let name: String
    let value: String

    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
        name = String(argument[..<equals])
        value = String(argument[argument.index(after: equals)...])
    }
}
