import Bytes
import Glibc
import Reactor
import Testing
import Time

@testable import Sockets

/// Cleartext, over a pair of sockets of which the test holds one.
@Suite struct ByteChannelTests {
    func make(smallBuffer: Bool = false) throws -> (World, End, RawSocket) {
        let world = try World()
        let (socket, raw) = RawSocket.pair()
        if smallBuffer { shrinkSendBuffer(socket.descriptor) }
        return (world, End(try ByteChannel(socket, on: world.loop, scratch: world.scratch)), raw)
    }

    @Test("bytes go both ways; nothing is written before the end of the tick")
    func bothWays() throws {
        let (world, end, raw) = try make()
        end.say([1, 2])
        end.say([3])
        #expect(raw.read() == [])
        world.loop.tick(wait: false)
        #expect(raw.read() == [1, 2, 3])
        raw.write([9, 8])
        world.loop.tick(wait: false)
        #expect(end.received == [9, 8])
        #expect(end.closed.isEmpty)
    }

    @Test("a socket that takes little at a time gets everything, in order, and asks its delegate no further meanwhile")
    func shortWrites() throws {
        let (world, end, raw) = try make(smallBuffer: true)
        let bytes = pattern(600_000)
        end.say(bytes)
        world.settle()
        // One portion was taken from the delegate; it waits for room.
        #expect(end.producedBytes <= ScratchBuffers.writeBytes)
        #expect(end.channel.pendingBytes > 0)
        end.channel.markDirty()
        world.settle()
        #expect(end.producedBytes <= ScratchBuffers.writeBytes)
        var got: [UInt8] = []
        let isDone = world.run {
            got += raw.read(1000) ?? []
            return got.count >= bytes.count
        }
        #expect(isDone)
        #expect(got == bytes)
        #expect(end.channel.pendingBytes == 0)
        #expect(end.largestLimit == ScratchBuffers.writeBytes)
    }

    @Test("progress is noted when the socket takes bytes, and only then")
    func progress() throws {
        let (world, end, raw) = try make(smallBuffer: true)
        #expect(end.channel.lastProgress == world.loop.now.nanoseconds)
        world.clock.advance(by: .seconds(1))
        end.say(pattern(200_000))
        world.settle()
        let full = end.channel.lastProgress
        #expect(full == world.loop.now.nanoseconds)
        world.clock.advance(by: .seconds(5))
        world.settle()
        #expect(end.channel.lastProgress == full)
        var got = 0
        _ = world.run {
            got += raw.read()?.count ?? 0
            return got == 200_000
        }
        #expect(end.channel.lastProgress == world.loop.now.nanoseconds)
    }

    @Test("a paused channel reads nothing until it is resumed")
    func pause() throws {
        let (world, end, raw) = try make()
        end.channel.pauseReading()
        end.channel.pauseReading()
        raw.write([1])
        world.settle()
        #expect(end.received.isEmpty)
        // It still writes.
        end.say([7])
        world.settle()
        #expect(raw.read() == [7])
        end.channel.resumeReading()
        end.channel.resumeReading()
        world.settle()
        #expect(end.received == [1])
    }

    @Test("a paused channel hears that its peer is gone")
    func pausedAndGone() throws {
        let (world, end, raw) = try make()
        end.channel.pauseReading()
        raw.close()
        world.settle()
        #expect(end.closed.count == 1)
    }

    @Test("closing sends what was said before, also through a full socket, and hears nothing more")
    func closeFlushes() throws {
        let (world, end, raw) = try make(smallBuffer: true)
        let bytes = pattern(300_000)
        end.say(bytes)
        end.channel.close()
        end.channel.close()
        raw.write([5])
        var got: [UInt8] = []
        var isEnded = false
        let isDone = world.run {
            if let more = raw.read(10_000) { got += more } else { isEnded = true }
            return isEnded
        }
        #expect(isDone)
        #expect(got == bytes)
        #expect(end.received.isEmpty)
        #expect(end.closed == [.local])
    }

    @Test("aborting ends at once, and drops what was said")
    func abort() throws {
        let (world, end, raw) = try make()
        end.say([1, 2, 3])
        end.channel.abort()
        end.channel.abort()
        #expect(end.closed == [.local])
        world.settle()
        #expect(raw.read() == nil)
        #expect(end.producedBytes == 0)
    }

    @Test("a delegate may end the channel from what it hears")
    func abortInside() throws {
        let (world, end, raw) = try make()
        end.onReceive = { end.channel.abort() }
        raw.write(pattern(200_000))
        world.settle()
        #expect(end.closed == [.local])
        #expect(end.received.count <= ChunkPool.readBufferBytes)
    }

    @Test("the peer's orderly end is told once, after its last bytes")
    func peerEnds() throws {
        let (world, end, raw) = try make()
        raw.write([1])
        raw.close()
        world.settle()
        #expect(end.received == [1])
        #expect(end.closed == [.peer])
        // Whatever is said now is lost, quietly.
        end.say([2])
        end.channel.close()
        end.channel.resumeReading()
        world.settle()
        #expect(end.closed == [.peer])
    }

    @Test("writing to a peer that is gone ends the channel with its errno, and no signal")
    func brokenPipe() throws {
        let (world, end, raw) = try make()
        end.channel.pauseReading()
        raw.close()
        end.say([1])
        world.settle()
        #expect(end.closed == [.broken(EPIPE)] || end.closed == [.broken(0)])
    }

    @Test("one read a tick: a peer that sends without end holds up nobody")
    func oneReadATick() throws {
        let (world, end, raw) = try make()
        // Whenever something has been read, there is more to read.
        end.onReceive = { raw.write(pattern(1000)) }
        raw.write(pattern(1000))
        for tick in 1...5 {
            world.loop.tick(wait: false)
            #expect(end.received.count == tick * 1000)
        }
    }

    @Test("ten thousand channels made and dropped leave no descriptor behind")
    func madeAndDropped() throws {
        let world = try World()
        let before = openDescriptors()
        for _ in 0..<10_000 {
            let (socket, raw) = RawSocket.pair()
            let end = End(try ByteChannel(socket, on: world.loop, scratch: world.scratch))
            end.channel.abort()
            raw.close()
        }
        // Other tests open theirs meanwhile.
        #expect(openDescriptors() < before + 5000)
    }

    private func openDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }
}
