import Bytes
import Testing

@testable import HTTPModel

@Suite("Members of a comma-separated list")
struct ListMembersTests {
    @Test(
        "blanks around members and empty members are left out, blanks within stay",
        arguments: [
            ("", []), (" ,\t, ", []), ("a", ["a"]), ("a,b", ["a", "b"]), (" a\t,\tb c ,,d ", ["a", "b c", "d"]), ("a,", ["a"]),
        ])
    func members(list: String, expected: [String]) {
        var found: [String] = []
        Array(list.utf8).withUnsafeBytes { bytes in
            var members = ListMembers(bytes)
            while let member = members.next() { found.append(String(decoding: member, as: UTF8.self)) }
        }
        #expect(found == expected)
    }
}
