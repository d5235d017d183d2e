import Glibc
import Testing

@testable import Control

@Suite("Standard error")
struct StandardErrorTests {
    @Test("a pipe that is not read holds up no line for long, and is told how many it missed")
    func unreadPipe() {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        let output = StandardError(ends[1], patienceMilliseconds: 50)
        let line = String(repeating: "x", count: 8191) + "\n"
        let begun = ContinuousClock.now
        for _ in 0..<200 { output.write(line) }
        #expect(begun.duration(to: .now) < .seconds(5))
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        func drain() -> String {
            var text: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = read(ends[0], &buffer, buffer.count), count > 0 { text += buffer[..<count] }
            return String(decoding: text, as: UTF8.self)
        }
        let before = drain()
        let kept = before.split(separator: "\n").count { $0.utf8.count == 8191 }
        output.write("again\n")
        #expect(drain().hasSuffix("\(200 - kept) diagnostics were dropped: standard error took nothing\nagain\n"))
        close(ends[0])
        close(ends[1])
    }

    @Test("what is longer than a pipe takes at once is written whole to one that is read")
    func long() {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        let output = StandardError(ends[1], patienceMilliseconds: 1000)
        output.write(String(repeating: "y", count: 20_000) + "\n")
        var buffer = [UInt8](repeating: 0, count: 65536)
        #expect(read(ends[0], &buffer, buffer.count) == 20_001)
        close(ends[0])
        close(ends[1])
    }
}
