import Testing

@testable import HTTP2

@Suite struct UndeliveredSectionsTests {
    private var sections = UndeliveredSections()

    @Test("a section that is delivered to its end costs nothing")
    mutating func delivered() {
        #expect(sections.frameBegan(1, bytes: 9024, continues: false) == 0)
        sections.deliveryBegan(1)
        #expect(sections.frameBegan(1, bytes: 8000, continues: true) == 0)
        sections.deliveryEnded(1)
        #expect(sections.frameBegan(3, bytes: 9024, continues: false) == 0)
    }

    @Test("a section of a closed stream is charged with the next one, an eighth of what is beyond 1,024 bytes")
    mutating func ignored() {
        #expect(sections.frameBegan(1, bytes: 1024 + 8000, continues: false) == 0)
        #expect(sections.frameBegan(3, bytes: 1024 + 16, continues: false) == 1000)
        #expect(sections.frameBegan(5, bytes: 1025, continues: false) == 2)
    }

    @Test("behind a malformed field a CONTINUATION is charged at once, whole")
    mutating func malformed() {
        #expect(sections.frameBegan(1, bytes: 1024 + 800, continues: false) == 0)
        sections.deliveryBegan(1)
        sections.deliveryStopped()
        #expect(sections.frameBegan(1, bytes: 800, continues: true) == 200)
        #expect(sections.frameBegan(1, bytes: 80, continues: true) == 10)
    }

    @Test("a CONTINUATION behind a small HEADERS frame of another stream charges what that one left")
    mutating func otherStream() {
        #expect(sections.frameBegan(1, bytes: 1024 + 800, continues: false) == 0)
        #expect(sections.frameBegan(3, bytes: 80, continues: true) == 110)
    }
}
