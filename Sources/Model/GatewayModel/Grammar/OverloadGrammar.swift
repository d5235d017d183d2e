internal import Config

extension Grammar where Value == OverloadConfiguration {
    static var overload: Grammar {
        .section { section in
            OverloadConfiguration(
                connections: section.value("connections", .word("none", or: .count(1...100_000_000)), default: nil),
                calls: section.value("calls", .word("none", or: .count(1...100_000_000)), default: nil),
                memory: section.value("memory", .word("none", or: .byteSize((64 << 20)...Int.max)), default: nil))
        }
    }
}
