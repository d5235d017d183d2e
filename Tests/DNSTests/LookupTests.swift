import Sockets
import Testing
import Time

@testable import DNS

@Suite("Looking a name up") struct LookupTests {}
