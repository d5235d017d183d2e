extension Grammar where Value == Bool {
    /// A switch.
    package static var onOff: Grammar {
        Grammar(expected: "on or off") { (text: String) in
            switch text {
            case "on": .value(true)
            case "off": .value(false)
            case "true", "yes": .mismatch(hint: "; did you mean \"on\"?")
            case "false", "no": .mismatch(hint: "; did you mean \"off\"?")
            default: .mismatch
            }
        }
    }
}
