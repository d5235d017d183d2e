import Testing

@testable import GRPC

@Suite struct StatusCodeTests {
    @Test("codes become HTTP statuses as google.rpc.Code says")
    func toHTTP() {
        let expected = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401]
        #expect(StatusCode.allCases.map(\.httpStatus) == expected)
    }

    @Test(
        "an answer without grpc-status is judged by its HTTP status",
        arguments: [
            (400, StatusCode.internal), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented),
            (429, .unavailable), (431, .internal), (502, .unavailable), (503, .unavailable), (504, .unavailable),
            (200, .unknown), (204, .unknown), (302, .unknown), (405, .unknown), (500, .unknown), (501, .unknown), (505, .unknown),
        ])
    func fromHTTP(status: Int, code: StatusCode) {
        #expect(StatusCode(httpStatusWithoutGRPCStatus: status) == code)
    }

    @Test(
        "a reset is judged by its HTTP/2 error code",
        arguments: [
            (0, .internal), (1, .internal), (2, .internal), (3, .internal), (4, .internal), (5, .unknown),
            (6, .internal), (7, .unavailable), (8, .cancelled), (9, .internal), (10, .internal), (11, .resourceExhausted),
            (12, .permissionDenied), (13, .unknown), (14, .unknown), (UInt32.max, .unknown),
        ] as [(UInt32, StatusCode)])
    func fromReset(error: UInt32, code: StatusCode) {
        #expect(StatusCode(http2ErrorCode: error) == code)
    }

    @Test("every code reads back from its digits")
    func digits() {
        for code in StatusCode.allCases {
            #expect(code.digits.text == "\(code.rawValue)")
            #expect(withBytes(code.digits.text) { StatusCode(field: $0) } == code)
        }
    }

    @Test("what is no code reads as UNKNOWN", arguments: ["", "17", "99999999999999999999", "-1", "x", "1 ", " 1", "0x1"])
    func noCode(text: String) {
        #expect(withBytes(text) { StatusCode(field: $0) } == .unknown)
    }

    @Test("names are gRPC's")
    func names() {
        #expect(StatusCode.resourceExhausted.name.text == "RESOURCE_EXHAUSTED")
        #expect(Set(StatusCode.allCases.map(\.name.text)).count == 17)
    }
}
