extension WrongConfiguration {
    static let listeners = corpus(
        #"""
        --- no listener
        listeners: []
        >>> martlet.yaml:1:12: listeners: found an empty list, expected a list of listeners, each a mapping with address
        --- a listener without an address
        listeners: [{ name: public }]
        >>> martlet.yaml:1:13: listeners[0]: the key "address" is missing, expected an address to listen on such as 0.0.0.0:8443, "[::]:8443" or unix:/run/martlet.sock
        --- a listener on a name, on a bare port, on a bare IPv6 address
        listeners: [{ address: localhost:80 }, { address: "8443" }, { address: ":::80" }]
        >>> martlet.yaml:1:24: listeners[0].address: found "localhost:80", expected an address to listen on such as 0.0.0.0:8443, "[::]:8443" or unix:/run/martlet.sock
        >>> martlet.yaml:1:51: listeners[1].address: found "8443", expected an address to listen on such as 0.0.0.0:8443, "[::]:8443" or unix:/run/martlet.sock
        >>> martlet.yaml:1:72: listeners[2].address: found ":::80", expected an address to listen on such as 0.0.0.0:8443, "[::]:8443" or unix:/run/martlet.sock
        --- two listeners with one address, written differently
        listeners:
          - { name: a, address: "[::1]:80" }
          - { name: b, address: "[0::1]:80" }
        >>> martlet.yaml:3:25: listeners[1].address: found "[::1]:80", which another listener has, expected an address of its own
        --- two listeners with one name
        listeners:
          - { name: a, address: 127.0.0.1:80 }
          - { name: a, address: 127.0.0.1:81 }
        >>> martlet.yaml:3:13: listeners[1].name: found "a", which another listener has, expected a name of its own
        --- paths of listeners
        listeners:
          - { name: a, address: 127.0.0.1:80, paths: normalise }
          - { name: b, address: 127.0.0.1:81, paths: normalize, protocols: [grpc, connect] }
          - { name: c, address: 127.0.0.1:82, paths: normalize, protocols: [rest] }
          - { name: d, address: 127.0.0.1:83, path: normalize }
        >>> martlet.yaml:2:46: listeners[0].paths: found "normalise", expected strict or normalize; did you mean "normalize"?
        >>> martlet.yaml:3:46: listeners[1].paths: warning: found beside protocols without rest, whose paths are never normalized
        >>> martlet.yaml:5:39: listeners[3].path: unknown key; did you mean "paths"?
        --- what upstreams are told of requests
        listeners:
          - { name: a, address: 127.0.0.1:80, forwarded: true }
          - { name: b, address: 127.0.0.1:81, forwarded: { host: always, proto: true, for: true } }
        >>> martlet.yaml:2:50: listeners[0].forwarded: found "true", expected a mapping such as { host: true, prefix: true }
        >>> martlet.yaml:3:58: listeners[1].forwarded.host: found "always", expected true or false
        >>> martlet.yaml:3:66: listeners[1].forwarded.proto: unknown key, expected host, port, prefix, real_ip or rfc7239
        >>> martlet.yaml:3:79: listeners[1].forwarded.for: unknown key, expected host, port, prefix, real_ip or rfc7239
        --- a listener where admin is
        listeners: [{ address: 127.0.0.1:9901 }]
        >>> martlet.yaml:1:24: listeners[0].address: found "127.0.0.1:9901", which admin has, expected an address of its own
        --- half a pair
        listeners:
          - { address: 127.0.0.1:1, tls: { certificate: a.pem } }
          - { address: 127.0.0.1:2, tls: { private_key: a.key } }
          - { address: 127.0.0.1:3, tls: { certificates: [{ certificate: a.pem }] } }
          - { address: 127.0.0.1:4, tls: {} }
        >>> martlet.yaml:2:34: listeners[0].tls: the key "private_key" is missing, expected the path of a PEM file with the private key
        >>> martlet.yaml:3:34: listeners[1].tls: the key "certificate" is missing, expected the path of a PEM file with the certificate chain
        >>> martlet.yaml:4:51: listeners[2].tls.certificates[0]: the key "private_key" is missing, expected the path of a PEM file with the private key
        >>> martlet.yaml:5:34: listeners[3].tls: the key "certificate" is missing, expected the path of a PEM file with the certificate chain
        >>> martlet.yaml:5:34: listeners[3].tls: the key "private_key" is missing, expected the path of a PEM file with the private key
        --- one pair and several
        listeners:
          - address: 127.0.0.1:1
            tls: { certificate: a.pem, private_key: a.key, certificates: [{ certificate: a.pem, private_key: a.key }] }
        >>> martlet.yaml:3:25: listeners[0].tls.certificate: found beside "certificates", expected only one of the two
        >>> martlet.yaml:3:45: listeners[0].tls.private_key: found beside "certificates", expected only one of the two
        --- no pair in the list
        listeners: [{ address: 127.0.0.1:1, tls: { certificates: [] } }]
        >>> martlet.yaml:1:58: listeners[0].tls.certificates: found an empty list, expected a list, each a mapping with certificate and private_key
        --- client certificates that nobody could verify
        listeners: [{ address: 127.0.0.1:1, tls: { certificate: a.pem, private_key: a.key, client_certificate: optional } }]
        >>> martlet.yaml:1:104: listeners[0].tls.client_certificate: found without client_ca, expected beside it: no client certificate could be verified
        --- words of closed sets
        listeners:
          - address: 127.0.0.1:1
            tls: { certificate: a.pem, private_key: a.key, client_ca: c.pem, client_certificate: require, minimum: 1.1 }
        >>> martlet.yaml:3:90:  listeners[0].tls.client_certificate: found "require", expected optional or required; did you mean "required"?
        >>> martlet.yaml:3:108: listeners[0].tls.minimum: found "1.1", expected 1.2 or 1.3; did you mean "1.2"?
        --- limits out of bounds or without unit
        listeners:
          - address: 127.0.0.1:1
            limits:
              connections: 0
              streams: -1
              headers: 9
              header_bytes: 1023B
              body_bytes: 4096
              handshake: 0s
              idle: never
              stream_idle: 5
              stall: none
              resets: 100
              settings: 32/s burst 10
              empty_frames: 5/min
              control_frames: ten
        >>> martlet.yaml:4:20:  listeners[0].limits.connections: found "0", expected a whole number from 1 to 10000000
        >>> martlet.yaml:5:16:  listeners[0].limits.streams: found "-1", expected a whole number from 1 to 1000000
        >>> martlet.yaml:6:16:  listeners[0].limits.headers: found "9", expected a whole number from 10 to 1000
        >>> martlet.yaml:7:21:  listeners[0].limits.header_bytes: found "1023B", expected a size such as 60KiB or 1MiB, from 1KiB to 1MiB
        >>> martlet.yaml:8:19:  listeners[0].limits.body_bytes: found "4096", expected a size such as 60KiB or 1MiB, or none; with its unit: 4096B
        >>> martlet.yaml:9:18:  listeners[0].limits.handshake: found "0s", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:10:13: listeners[0].limits.idle: found "never", expected a duration such as 250ms or 5s, at least 1ms, or none
        >>> martlet.yaml:11:20: listeners[0].limits.stream_idle: found "5", expected a duration such as 250ms or 5s, at least 1ms, or none
        >>> martlet.yaml:12:14: listeners[0].limits.stall: found "none", expected a duration such as 250ms or 5s, at least 1ms
        >>> martlet.yaml:13:15: listeners[0].limits.resets: found "100", expected a rate such as 10/s or 10/s burst 100
        >>> martlet.yaml:14:17: listeners[0].limits.settings: found "32/s burst 10", expected a rate such as 32/s
        >>> martlet.yaml:15:21: listeners[0].limits.empty_frames: found "5/min", expected a rate such as 32/s
        >>> martlet.yaml:16:23: listeners[0].limits.control_frames: found "ten", expected a whole number from 1 to 10000
        --- a version of HTTP is no protocol of callers
        listeners: [{ address: 127.0.0.1:1, protocols: [http1] }]
        >>> martlet.yaml:1:49: listeners[0].protocols[0]: found "http1", expected grpc, grpc-web, connect or rest
        """#)
}
