import Config
import GatewayChecks
import Testing

@testable import GatewayModel

@Suite("Mutilated configurations")
struct MutilatedConfigurationTests {
    @Test("no text, however mutilated, is taken for more than it says or ends the program", arguments: 0..<8)
    func mutilated(seed: UInt64) {
        var state = (seed + 1) &* 0x9E37_79B9_7F4A_7C15
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let signs = Array("[]{}:,-#&*!|>'\"%@`?\n\t 0a$\\~\u{0}\u{e9}".unicodeScalars)
        for _ in 0..<40 {
            var scalars = Array(GatewayConfigurationTests.everyKey.unicodeScalars)
            for _ in 0...random(4) {
                switch random(3) {
                case 0: scalars[random(scalars.count)] = signs[random(signs.count)]
                case 1: scalars.insert(signs[random(signs.count)], at: random(scalars.count))
                default: scalars.removeSubrange(random(scalars.count)..<scalars.count)
                }
                if scalars.isEmpty { break }
            }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            let reading = GatewayConfiguration.read(
                text: String(text), file: "martlet.yaml", environment: { _ in "hunter2" },
                readFile: { _ in .failure(FileFailure("no such file")) })
            let issues = reading.issues
            #expect((reading.value == nil) == issues.hasErrors)
            #expect(!issues.report.contains("hunter2"))
            let lines = text.count { $0 == "\n" } + 2
            #expect(issues.allSatisfy { (1...lines).contains($0.place.line) && $0.place.column >= 1 })
        }
    }
}
