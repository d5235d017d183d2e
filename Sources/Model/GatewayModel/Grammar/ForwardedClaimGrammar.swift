internal import Config
internal import HTTPModel
internal import JOSE

extension Grammar where Value == [ForwardedClaim] {
    /// Header names, each with the claim it carries.
    static var forwardedClaims: Grammar {
        let names = Grammar<[(name: Located<String>, value: ClaimPath)]>
            .names("a mapping of header names to claims, such as { x-tenant: tenant }", of: .claimPath)
        return Grammar(expected: names.expected) { node, reader, expected in
            guard let entries = names.expecting(expected).read(node, reader) else { return nil }
            var claims: [ForwardedClaim] = []
            for (name, path) in entries {
                let header = name.value.lowercased()
                if let problem = ClaimHeaderName.problem(with: header) {
                    reader.report("found \(Quoted.text(name.value)), expected \(problem)", at: name.place)
                } else if claims.contains(where: { ClaimHeaderName.readsLike($0.header, header) }) {
                    reader.report("found \(Quoted.text(header)) twice, expected each header once", at: name.place)
                } else {
                    claims.append(ForwardedClaim(header: header, path: path))
                }
            }
            if claims.count > countMax {
                reader.report("found \(claims.count) headers, expected \(countMax) at most", at: node.place)
            }
            return claims
        }
    }

    /// What a worker has room for beside the fields of a request.
    private static var countMax: Int { 100 }
}
