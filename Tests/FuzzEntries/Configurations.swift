import Bytes
import Config
import Gateway
import LimitRules
internal import Net
import RateLimit
import Time

extension FuzzEntry {
    static let configurations: [FuzzEntry] = [
        FuzzEntry("counts, sizes and durations") { input in
            let text = input.text()
            _ = Number.count(text)
            for unit in ["B", "KiB", "MiB", "GiB"] { _ = ByteSize.read(text + unit).map(ByteSize.text) }
            for unit in ["ms", "s", "m", "h", "d"] {
                guard let duration = DurationText.read(text + unit) else { continue }
                _ = (Instant.now() + duration, DurationText.text(duration))
            }
            _ = DurationText.text(.seconds(Int64(bitPattern: input.number())))
        },
        FuzzEntry("rates") { input in _ = Rate("\(input.text())/s burst \(input.text())") },
        FuzzEntry("addresses") { input in
            let port = input.text()
            for host in ["127.0.0.1", "[::1]", "a.b"] { _ = NetworkAddress("\(host):\(port)")?.authority }
        },
        FuzzEntry("service URLs") { input in
            let text = input.text()
            _ = ServiceURL("https://a:\(text)/b")?.address(defaultPort: 1)
            _ = ServiceURL("redis://%\(text)@[::1]:\(input.text())")?.authority(defaultPort: 1)
        },
        FuzzEntry("limits") { input in
            let (count, units, burst) = (input.text(), input.text(), input.text())
            for unit in ["s", "min", "h", "day", "month"] {
                guard let rule = try? LimitRule.parse("\(count)/\(units)\(unit) burst \(burst)") else { continue }
                _ = Limit(rule, name: "a", place: "b", counters: CounterRegistry()).windowSeconds
            }
        },
        FuzzEntry("blocks of addresses") { input in
            let length = input.text()
            for address in ["10.0.0.0", "0.0.0.0", "::", "::ffff:0:0"] {
                guard let block = try? CIDR("\(address)/\(length)") else { continue }
                _ = CIDRSet([block]).contains(block.last)
            }
        },
    ]
}
