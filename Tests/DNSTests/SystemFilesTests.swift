import Net
import Testing

@testable import DNS

@Suite("resolv.conf and the table of hosts")
struct SystemFilesTests {
    @Test("servers, search domains and options are read, and the rest is passed over")
    func resolvConf() {
        let settings = ResolverSettings(
            resolvConf: """
                # a comment
                ; another
                domain gone.test
                nameserver 10.0.0.2
                nameserver\t2001:db8::1
                nameserver nonsense
                nameserver 10.0.0.3
                nameserver 10.0.0.4
                search a.test b.test. .
                options ndots:5 timeout:3 attempts:9 rotate edns0 timeout:x
                sortlist 10.0.0.0
                """)
        #expect(settings.servers == ["10.0.0.2:53", "[2001:db8::1]:53", "10.0.0.3:53"].map { SocketAddress($0)! })
        #expect(settings.search == [DomainName("a.test")!, DomainName("b.test")!])
        #expect(settings.dots == 5 && settings.timeout == .seconds(3) && settings.attempts == 5)
    }

    @Test("an empty file means the server on this machine")
    func empty() { #expect(ResolverSettings(resolvConf: "") == .defaults) }

    @Test("hosts are known by each of their names, without case")
    func hosts() {
        let table = HostTable("127.0.0.1 localhost\n10.0.0.1\tOne.test one # alias\n::5 one\nnonsense two\n10.0.0.1 one\n")
        #expect(table.look(up: "one.test") == [SocketAddress("10.0.0.1:0")!])
        #expect(table.look(up: "one") == [SocketAddress("10.0.0.1:0")!, SocketAddress("[::5]:0")!])
        #expect(table.look(up: "one.") == table.look(up: "one"))
        #expect(table.look(up: "two").isEmpty && table.look(up: "alias").isEmpty)
    }

    @Test("digits stand for themselves, and localhost is here")
    func here() {
        let table = HostTable()
        #expect(table.look(up: "10.0.0.7") == [SocketAddress("10.0.0.7:0")!])
        #expect(table.look(up: "localhost") == [SocketAddress("127.0.0.1:0")!])
        #expect(table.look(up: "a.localhost").count == 1 && table.look(up: "nolocalhost").isEmpty)
    }
}
