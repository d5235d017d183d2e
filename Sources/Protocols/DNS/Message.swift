package import Net

/// What is asked: all records of a type that a name has.
package struct Question: Hashable, Sendable {
    package var name: DomainName
    package var type: RecordType

    package init(_ name: DomainName, _ type: RecordType) {
        self.name = name
        self.type = type
    }
}

/// One record of class IN.
package struct Record: Equatable, Sendable {
    package var name: DomainName
    /// At most 2³¹ − 1; what is sent larger counts as zero (RFC 2181, section 8).
    package var ttlSeconds: UInt32
    package var data: Data

    package enum Data: Equatable, Sendable {
        /// Of an A or AAAA record, with port 0.
        case address(SocketAddress)
        case alias(DomainName)
        case service(ServiceTarget)
        /// Of a zone: how long its "there is none" may be believed.
        case authority(negativeTTLSeconds: UInt32)
        /// Not looked into.
        case other(RecordType)
    }
}

/// One host that offers a service (RFC 2782).
package struct ServiceTarget: Hashable, Sendable {
    package var host: DomainName
    package var port: UInt16
    /// The lowest first.
    package var priority: UInt16
    /// Its share among those of its priority.
    package var weight: UInt16

    package init(_ host: DomainName, port: UInt16, priority: UInt16 = 0, weight: UInt16 = 0) {
        self.host = host
        self.port = port
        self.priority = priority
        self.weight = weight
    }
}

/// A server's answer, read.
package struct Message: Equatable, Sendable {
    package var id: UInt16
    package var isResponse: Bool
    /// It did not fit: what it holds is not looked at, and has to be asked for over TCP.
    package var isTruncated: Bool
    package var code: ResponseCode
    /// `nil` where the server did not repeat it, which only one that could not read it may do.
    package var question: Question?
    package var answers: [Record]
    package var authorities: [Record]
}
