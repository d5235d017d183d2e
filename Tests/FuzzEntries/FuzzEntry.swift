/// A reader of outside data, with the way to hand it numbers. It may accept or refuse; what it may not is end the process.
package struct FuzzEntry: Sendable {
    /// As ARCHITECTURE.md has it ("Numbers from outside").
    package let name: String
    package let inputs: Int
    private let run: @Sendable (inout FuzzInput) -> Void

    init(_ name: String, inputs: Int = 4000, _ run: @escaping @Sendable (inout FuzzInput) -> Void) {
        self.name = name
        self.inputs = inputs
        self.run = run
    }

    /// - Parameter times: so many times its inputs. The extremes come once.
    package func runAll(times: Int = 1) {
        for index in 0..<inputs * times {
            var input = FuzzInput(index: index, seed: 20_261_129)
            run(&input)
        }
    }

    package static let all: [FuzzEntry] = foundations + configurations + networks + calls + messages + transcoding + limits
}
