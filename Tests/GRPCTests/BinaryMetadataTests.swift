import Bytes
import Testing

@testable import GRPC

@Suite struct BinaryMetadataTests {
    private func decode(_ field: String) -> (whole: Bool, values: [[UInt8]]) {
        var scratch = ByteBuffer()
        var values: [[UInt8]] = []
        let whole = withBytes(field) { BinaryMetadata.decode($0, through: &scratch) { values.append(Array($0)) } }
        return (whole, values)
    }

    @Test("values are read with padding or without", arguments: ["AQI=", "AQI"])
    func padding(field: String) {
        let (whole, values) = decode(field)
        #expect(whole)
        #expect(values == [[1, 2]])
    }

    @Test("joined values are split at their commas")
    func commas() {
        let (whole, values) = decode("AQI=, AQIE ,,Aw")
        #expect(whole)
        #expect(values == [[1, 2], [1, 2, 4], [], [3]])
    }

    @Test("what is not base64 is refused", arguments: ["A", "A!Q=", "AQI==", "AQ-_", "AQI=,*"])
    func malformed(field: String) {
        #expect(!decode(field).whole)
    }

    @Test("values are written without padding")
    func encode() {
        var buffer = ByteBuffer()
        [UInt8(1), 2].withUnsafeBytes { BinaryMetadata.encode($0, into: &buffer) }
        #expect(buffer.text == "AQI")
    }

    @Test(
        "a binary name ends in -bin and begins with something",
        arguments: [
            ("trace-bin", true), ("a-bin", true), ("-bin", false), ("bin", false), ("trace-bin2", false), ("", false),
        ])
    func names(name: String, isBinary: Bool) {
        #expect(withBytes(name) { BinaryMetadata.isBinary(name: $0) } == isBinary)
    }
}
