import GRPCTesting
import Glibc
import Reactor
import Synchronization
import Testing

@testable import Control

@Suite("Telling the service manager")
struct ServiceManagerTests {
    let worker: TestWorker

    init() throws { worker = try TestWorker() }

    /// A datagram socket of this name, abstract or a path.
    private final class Manager {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        let name: String

        init(_ name: String) {
            self.name = name
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) {
                $0.copyBytes(from: name.utf8)
                if $0[0] == UInt8(ascii: "@") { $0[0] = 0 }
            }
            let length = socklen_t(2 + name.utf8.count)
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            precondition(result == 0)
        }

        deinit {
            close(descriptor)
            if name.hasPrefix("/") { unlink(name) }
        }

        func next() -> String? {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
        }
    }

    private func make(_ name: String, says lines: @escaping @Sendable (String) -> Void = { _ in }) -> ServiceManager? {
        ServiceManager(socket: name, on: worker.loop, diagnostics: Diagnostics(to: lines))
    }

    @Test(
        "states and their texts arrive as sd_notify(3) has them, by path and by abstract name",
        arguments: [
            "/tmp/martlet-notify-\(getpid()).sock", "@martlet-notify-\(getpid())",
        ])
    func states(name: String) throws {
        let other = Manager(name)
        let manager = try #require(make(name))
        manager.notify(.ready, status: "serving\ngeneration=1")
        #expect(other.next() == "READY=1\nSTATUS=serving generation=1")
        manager.notify(.reloading, status: "reading")
        let lines = try #require(other.next()).split(separator: "\n")
        #expect(lines.count == 3 && lines[0] == "RELOADING=1" && lines[2] == "STATUS=reading")
        let microseconds = try #require(UInt64(lines[1].dropFirst("MONOTONIC_USEC=".count)))
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        #expect(UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000 - microseconds < 60_000_000)
        manager.notify(.stopping, status: "leaving")
        #expect(other.next() == "STOPPING=1\nSTATUS=leaving")
        manager.notify(.unchanged, status: "as before")
        #expect(other.next() == "STATUS=as before")
    }

    @Test(
        "names that are none are told and not used; without one nothing is told",
        arguments: [
            "relative", "vsock:2:1", "/", "@", "/" + String(repeating: "x", count: 107),
        ])
    func names(name: String) {
        let lines = Mutex<[String]>([])
        #expect(make(name) { line in lines.withLock { $0.append(line) } } == nil)
        #expect(lines.withLock { $0.count } == 1)
        #expect(ServiceManager(socket: nil, on: worker.loop, diagnostics: Diagnostics()) == nil)
        #expect(make("") == nil)
    }

    @Test("a manager that is gone, or reads late, holds up nothing, and hears the rest in order")
    func late() throws {
        let absent = try #require(make("/nowhere/notify.sock"))
        absent.notify(.ready, status: "serving")
        let other = Manager("@martlet-late-\(getpid())")
        let manager = try #require(make(other.name))
        var sent = 0
        // Until its queue is full, and a few more.
        for number in 0..<5000 {
            manager.notify(.unchanged, status: "\(number)")
            sent += 1
            if manager.waitingCount == 3 { break }
        }
        #expect(manager.waitingCount == 3)
        var heard = 0
        for _ in 0..<10 where heard < sent {
            while let text = other.next() {
                #expect(text == "STATUS=\(heard)")
                heard += 1
            }
            worker.advance(by: .milliseconds(100))
        }
        #expect(heard == sent)
    }
}
