internal import Config
package import RateLimit
package import Transport

extension FileOpener {
    /// How connections to a Redis are secured; `nil` where they are not, and where a file has a mistake, which is reported where the store
    /// is written: under its name, or in `rate_limits`.
    package mutating func storeTLS(_ redis: RedisLocation) -> UpstreamTLS? {
        guard let settings = redis.tls else { return nil }
        let path = redis.name.map { ConfigurationPath("stores")[$0] } ?? ConfigurationPath("rate_limits")
        return upstreamTLS(settings, protocols: [], at: path["tls"], of: path[redis.name == nil ? "store" : "redis"])
    }
}
