extension WrongConfiguration {
    static let clusters = corpus(
        #"""
        --- a cluster without endpoints
        clusters: { orders: {}, other: { endpoints: [] } }
        routes: [{ path: /a, cluster: orders }, { path: /b, cluster: other }]
        >>> martlet.yaml:1:21: clusters.orders: the key "endpoints" is missing, expected a list, each an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:45: clusters.other.endpoints: found an empty list, expected a list, each an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        --- endpoints that are none
        clusters: { orders: { endpoints: [10.0.0.1, 10.0.0.1:0, 10.0.0.300:80, "::1:80", "http://a:80", [1]] } }
        >>> martlet.yaml:1:35: clusters.orders.endpoints[0]: found "10.0.0.1", expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:45: clusters.orders.endpoints[1]: found "10.0.0.1:0", expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:57: clusters.orders.endpoints[2]: found "10.0.0.300:80", expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:72: clusters.orders.endpoints[3]: found "::1:80", expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:82: clusters.orders.endpoints[4]: found "http://a:80", expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        >>> martlet.yaml:1:97: clusters.orders.endpoints[5]: found a list, expected an address such as 10.0.0.11:50051, "[::1]:50051", orders.internal:50051 or unix:/run/orders.sock
        --- an endpoint twice
        clusters: { orders: { endpoints: [10.0.0.1:80, 10.0.0.1:80] } }
        >>> martlet.yaml:1:48: clusters.orders.endpoints[1]: found "10.0.0.1:80" twice, expected each endpoint once
        --- load balancing of another name
        clusters: { orders: { endpoints: [10.0.0.1:80], load_balancing: round-robin } }
        >>> martlet.yaml:1:65: clusters.orders.load_balancing: found "round-robin", expected least_request, round_robin, random, ring_hash or maglev; did you mean "round_robin"?
        --- a protocol that is none, and what does not go with HTTP/1.1
        clusters: { orders: { endpoints: [10.0.0.1:80], protocol: h2 }, web: { endpoints: [10.0.0.1:80], protocol: http1, connections: { streams: 5 }, health_check: grpc } }
        >>> martlet.yaml:1:59:  clusters.orders.protocol: found "h2", expected http2 or http1
        >>> martlet.yaml:1:65:  clusters.web: warning: no route leads here
        >>> martlet.yaml:1:139: clusters.web.connections.streams: found beside protocol: http1, which has one request at a time on a connection
        >>> martlet.yaml:1:158: clusters.web.health_check: found grpc beside protocol: http1, expected http or tcp
        --- a schema from nowhere, or from two places
        clusters: { orders: { endpoints: [10.0.0.1:80], schema: {} }, web: { endpoints: [10.0.0.1:80], schema: { descriptors: [a.pb], protos: [b] } } }
        >>> martlet.yaml:1:57:  clusters.orders.schema: says nothing of where the schema is, expected descriptors, protos or reflection
        >>> martlet.yaml:1:63:  clusters.web: warning: no route leads here
        >>> martlet.yaml:1:135: clusters.web.schema.protos: found beside "descriptors", expected only one of the two
        --- a schema by a misspelt word, of a cluster without gRPC, and asked for too often
        clusters: { orders: { endpoints: [10.0.0.1:80], schema: reflections }, web: { endpoints: [10.0.0.1:80], protocol: http1, schema: { reflection: { interval: 1ms } } } }
        >>> martlet.yaml:1:57:  clusters.orders.schema: found "reflections", expected reflection, or a mapping with descriptors, protos or reflection
        >>> martlet.yaml:1:72:  clusters.web: warning: no route leads here
        >>> martlet.yaml:1:130: clusters.web.schema: found beside protocol: http1, which has no gRPC to convert to
        >>> martlet.yaml:1:156: clusters.web.schema.reflection.interval: found "1ms", expected a duration such as 250ms or 5s, at least 1s, at most 1d
        --- rules of a schema
        clusters:
          orders:
            endpoints: [10.0.0.1:80]
            schema:
              reflection: {}
              message_bytes: 1B
              rules:
                - { method: Get, get: /v1 }
                - { method: a.B/Get }
                - { method: a.B/Get, get: /v1, put: /v1 }
                - { method: a.B.Get, custom: { methods: LOCK, path: /v1 } }
                - { method: a.B.Get, get: /v1, additional: [{ body: "*", additional: [] }] }
        >>> martlet.yaml:6:22:  clusters.orders.schema.message_bytes: found "1B", expected a size such as 60KiB or 1MiB, from 1KiB to 1GiB
        >>> martlet.yaml:8:21:  clusters.orders.schema.rules[0].method: found "Get", expected a method such as acme.orders.v1.Orders/GetOrder
        >>> martlet.yaml:9:11:  clusters.orders.schema.rules[1]: has no HTTP method, expected one of get, put, post, delete, patch, custom
        >>> martlet.yaml:10:45: clusters.orders.schema.rules[2].put: found beside "get", expected only one of the two
        >>> martlet.yaml:11:40: clusters.orders.schema.rules[3].custom.methods: unknown key; did you mean "method"?
        >>> martlet.yaml:12:53: clusters.orders.schema.rules[4].additional[0]: has no HTTP method, expected one of get, put, post, delete, patch, custom
        >>> martlet.yaml:12:66: clusters.orders.schema.rules[4].additional[0].additional: unknown key, expected get, put, post, delete, patch, custom, body or response_body
        --- TLS to a cluster
        clusters: { orders: { endpoints: [10.0.0.1:80], tls: { certificate: c.pem, server_name: "a b", cs: x } } }
        >>> martlet.yaml:1:54: clusters.orders.tls: the key "private_key" is missing, expected the path of a PEM file with the private key
        >>> martlet.yaml:1:89: clusters.orders.tls.server_name: found "a b", expected a host name such as orders.internal
        >>> martlet.yaml:1:96: clusters.orders.tls.cs: unknown key; did you mean "ca"?
        --- TLS without verification
        clusters:
          a: { endpoints: [10.0.0.1:80], tls: { verify: off } }
          b: { endpoints: [10.0.0.1:80], tls: { verify: false } }
          c: { endpoints: [10.0.0.1:80], tls: { verify: off, ca: ca.pem } }
          d: { endpoints: [10.0.0.1:80], tls: { verify: on, insecure: true } }
        routes: [{ clusters: { a: 1, b: 1, c: 1, d: 1 } }]
        rate_limits: { store: "rediss://10.0.0.1/0", tls: { verify: off } }
        >>> martlet.yaml:2:49: clusters.a.tls.verify: warning: found off: certificates are not verified: an attacker on the network path can read and change all traffic
        >>> martlet.yaml:3:49: clusters.b.tls.verify: found "false", expected on or off; did you mean "off"?
        >>> martlet.yaml:4:49: clusters.c.tls.verify: warning: found off: certificates are not verified: an attacker on the network path can read and change all traffic
        >>> martlet.yaml:4:58: clusters.c.tls.ca: found beside "verify", expected only one of the two
        >>> martlet.yaml:5:53: clusters.d.tls.insecure: unknown key, expected verify, ca, server_name, certificate or private_key
        >>> martlet.yaml:7:61: rate_limits.tls.verify: warning: found off: certificates are not verified: an attacker on the network path can read and change all traffic
        --- TLS that says nothing
        clusters: { orders: { endpoints: [10.0.0.1:80], tls: true } }
        >>> martlet.yaml:1:54: clusters.orders.tls: found "true", expected a mapping, {} for TLS with the system's certificates
        --- times and counts
        clusters: { orders: { endpoints: [10.0.0.1:80], timeouts: { connect: none, idle: 0s }, connections: { streams: 0, maximum: 1.5 } } }
        >>> martlet.yaml:1:70:  clusters.orders.timeouts.connect: found "none", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:1:82:  clusters.orders.timeouts.idle: found "0s", expected a duration such as 250ms or 5s, at least 1ms, or none
        >>> martlet.yaml:1:112: clusters.orders.connections.streams: found "0", expected a whole number from 1 to 1000000
        >>> martlet.yaml:1:124: clusters.orders.connections.maximum: found "1.5", expected a whole number from 1 to 10000
        --- times of connections that are asked whether they live
        clusters: { orders: { endpoints: [10.0.0.1:80], timeouts: { ping: 0s, keepalive: 9s } } }
        >>> martlet.yaml:1:67: clusters.orders.timeouts.ping: found "0s", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:1:82: clusters.orders.timeouts.keepalive: found "9s", expected a duration such as 250ms or 5s, at least 10s, or none
        --- HTTP/1.1 has no PING
        clusters: { orders: { endpoints: [10.0.0.1:80], protocol: http1, timeouts: { ping: 1s, keepalive: none } } }
        >>> martlet.yaml:1:84: clusters.orders.timeouts.ping: found beside protocol: http1, which has no PING
        >>> martlet.yaml:1:99: clusters.orders.timeouts.keepalive: found beside protocol: http1, which has no PING
        --- endpoints misspelt
        clusters: { orders: { endpionts: [10.0.0.1:80] } }
        >>> martlet.yaml:1:23: clusters.orders.endpionts: unknown key; did you mean "endpoints"?
        --- a cluster's name for logs
        clusters: { "orders v1": { endpoints: [10.0.0.1:80] } }
        routes: [{ cluster: "orders v1" }]
        >>> martlet.yaml:1:13: clusters["orders v1"]: found "orders v1", expected a name of letters, digits, _, - and .
        --- a cluster that no route leads to
        clusters: { orders: { endpoints: [10.0.0.1:80] }, spare: { endpoints: [10.0.0.1:80] } }
        >>> martlet.yaml:1:51: clusters.spare: warning: no route leads here
        """#)
}
