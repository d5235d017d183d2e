import Glibc
import Reactor
import Testing

@testable import Control

@Suite("Code that only starting needs")
struct CodeReleaseTests {
    @Test("it is let go once, a moment after the start")
    func once() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        var releases = 0
        let release = CodeRelease(on: loop) { releases += 1 }
        for expected in [0, 1, 1] {
            #expect(releases == expected)
            clock.advance(by: CodeRelease.delay + .milliseconds(10))
            loop.tick(wait: false)
        }
        withExtendedLifetime(release) {}
    }

    @Test("code that is not run leaves the memory, and the program goes on", .enabled(if: !Code.isTraced))
    func goesOn() throws {
        let clock = ManualClock()
        let loop = try EventLoop(clock: .manual(clock))
        let release = CodeRelease(on: loop)
        Code.touch()
        let before = Code.residentKiB()
        clock.advance(by: CodeRelease.delay + .milliseconds(10))
        loop.tick(wait: false)
        withExtendedLifetime(release) {}
        // Other tests run, and what they run comes back.
        #expect(before > 4096 && Code.residentKiB() < before / 2)
        #expect((1...10).map { "\($0)" }.joined(separator: " ") == "1 2 3 4 5 6 7 8 9 10")
    }
}

/// What of the process's code is in memory (proc(5), `smaps`).
private enum Code {
    private struct Mapping {
        let range: Range<UInt>
        var residentKiB = 0
    }

    /// Those of files that are executable.
    private static func mappings() -> [Mapping] {
        var found: [Mapping] = []
        var isCode = false
        for line in lines(of: "/proc/self/smaps") {
            let words = line.split(separator: " ")
            let bounds = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            if bounds.count == 2 {
                isCode = words.count >= 6 && words[1] == "r-xp" && words[5].hasPrefix("/")
                if isCode { found.append(Mapping(range: bounds[0]..<bounds[1])) }
            } else if isCode, words[0] == "Rss:" {
                found[found.count - 1].residentKiB = Int(words[1]) ?? 0
            }
        }
        return found
    }

    static func residentKiB() -> Int { mappings().reduce(0) { $0 + $1.residentKiB } }

    /// Reads a byte of every page.
    static func touch() {
        var sum = 0
        for mapping in mappings() {
            for address in stride(from: mapping.range.lowerBound, to: mapping.range.upperBound, by: 4096) {
                sum &+= Int(UnsafeRawPointer(bitPattern: address)!.load(as: UInt8.self))
            }
        }
        withExtendedLifetime(sum) {}
    }

    /// Under a debugger nothing is let go.
    static let isTraced = !lines(of: "/proc/self/status").contains {
        $0.split(whereSeparator: \.isWhitespace) == ["TracerPid:", "0"]
    }

    private static func lines(of path: String) -> [Substring] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}
