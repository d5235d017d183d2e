package import Bytes
package import HTTPModel
package import JOSE
package import Net

/// What rules may know of a caller and a request.
///
/// Nothing here is counted: token, memory, fields and names belong to the call or its connection and outlive the check.
package struct CallerFacts {
    /// `nil` for a caller without a verified token, who is not authenticated.
    package var token: Borrowed<VerifiedToken>?
    /// The token's memory of rules; `nil` costs an evaluation, nothing else.
    package var memory: Record<RuleMemo>?
    package var fields: FieldBlock
    /// How many of `fields` are the head: trailers may have arrived behind it.
    package var headCount: Int
    package var address: IPAddress?
    /// `nil` for a caller without a verified client certificate.
    package var certificate: Borrowed<CertificateNames>?

    package init(
        token: Borrowed<VerifiedToken>? = nil, memory: Record<RuleMemo>? = nil, fields: FieldBlock, headCount: Int,
        address: IPAddress? = nil, certificate: Borrowed<CertificateNames>? = nil
    ) {
        self.token = token
        self.memory = memory
        self.fields = fields
        self.headCount = headCount
        self.address = address
        self.certificate = certificate
    }
}
