internal import CLinux
internal import Filters
internal import Gateway
internal import Glibc
internal import Reactor

/// Looks at what the process takes of the machine's memory, four times a second where that has a limit, and says how near it is.
final class MemoryWatch {
    /// In bytes; `nil` for none.
    var limit: Int? {
        didSet { if limit != oldValue { look() } }
    }
    var changed: ((Pressure) -> Void)?
    private var pressure = Pressure.none
    private let loop: EventLoop
    /// `nil` without a limit.
    private var timer: RepeatingTimer?
    /// In bytes.
    private let resident: () -> Int?
    /// Has the allocator give back what is unused.
    private let trim: () -> Void
    private var looksSinceTrim = 0

    private static let pace = Duration.milliseconds(250)
    /// Trimming blocks allocations meanwhile: once a second at most.
    private static let looksPerTrim = 4

    init(
        limit: Int?, on loop: EventLoop, resident: @escaping () -> Int? = MemoryWatch.residentBytes,
        trim: @escaping () -> Void = { linux_trim_memory() }
    ) {
        self.limit = limit
        self.loop = loop
        self.resident = resident
        self.trim = trim
    }

    func start() { look() }

    private func look() {
        guard let limit else {
            timer = nil
            return say(.none)
        }
        if timer == nil { timer = RepeatingTimer(every: Self.pace, on: loop) { [unowned self] in look() } }
        looksSinceTrim = min(looksSinceTrim + 1, Self.looksPerTrim)
        var now = measure(limit)
        // What was freed and not given back is no load.
        if now > .none, looksSinceTrim == Self.looksPerTrim {
            looksSinceTrim = 0
            trim()
            now = measure(limit)
        }
        say(now)
    }

    private func measure(_ limit: Int) -> Pressure { resident().map { Pressure($0, of: limit) } ?? .none }

    private func say(_ pressure: Pressure) {
        guard pressure != self.pressure else { return }
        self.pressure = pressure
        changed?(pressure)
    }

    static func residentBytes() -> Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = read(file, buffer.baseAddress, buffer.count)
            guard count > 0 else { return nil }
            return ProcessMemory.residentBytes(
                statm: UnsafeRawBufferPointer(rebasing: buffer[..<count]), pageBytes: sysconf(Int32(_SC_PAGESIZE)))
        }
    }
}
