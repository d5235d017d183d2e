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

    package func runAll() {
        for index in 0..<inputs {
            var input = FuzzInput(index: index, seed: 20_261_129)
            run(&input)
        }
    }

    package static let all: [FuzzEntry] = foundations + configurations + networks + calls + messages + transcoding + limits
}
