internal import Bytes
internal import Random

/// Who is next in a weighted round: earliest deadline first, each turn putting one's deadline off by one over its weight.
/// A heap, so that a thousand endpoints cost ten steps.
struct TurnQueue: ~Copyable {
    private let turns: UnsafeMutableBufferPointer<Turn>

    private struct Turn {
        var deadline: Double
        var member: MemberPointer
    }

    /// Begins at a random point of the round, so that workers do not march in step.
    init(_ members: UnsafeMutableBufferPointer<MemberPointer>, _ random: inout RandomGenerator) {
        turns = .allocate(capacity: members.count)
        for index in 0..<members.count {
            let member = members[index]
            let first = (1 - random.unit()) / Double(member.pointee.weight)
            (turns.baseAddress! + index).initialize(to: Turn(deadline: first, member: member))
        }
        var index = turns.count / 2
        while index > 0 {
            index -= 1
            sink(from: index)
        }
    }

    deinit { turns.deallocate() }

    /// Takes the next member's turn.
    ///
    /// - Parameter factor: what of its weight counts.
    mutating func next(factor: (MemberPointer) -> Double) -> MemberPointer {
        let member = turns[0].member
        turns[0].deadline += 1 / (Double(member.pointee.weight) * factor(member))
        sink(from: 0)
        return member
    }

    private func sink(from start: Int) {
        var index = start
        while true {
            var least = index
            let left = 2 * index + 1
            if left < turns.count, turns[left].deadline < turns[least].deadline { least = left }
            if left + 1 < turns.count, turns[left + 1].deadline < turns[least].deadline { least = left + 1 }
            guard least != index else { return }
            turns.swapAt(index, least)
            index = least
        }
    }
}
