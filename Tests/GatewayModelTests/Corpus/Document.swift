extension WrongConfiguration {
    static let document = corpus(
        #"""
        --- nothing at all
        without: listeners, authentication, clusters, routes
        >>> martlet.yaml:1:1: the key "listeners" is missing, expected a list of listeners, each a mapping with address
        >>> martlet.yaml:1:1: the key "clusters" is missing, expected a mapping of clusters, each a mapping with endpoints
        >>> martlet.yaml:1:1: the key "routes" is missing, expected a list of routes, each a mapping with cluster
        --- YAML stops at an address in brackets
        listeners:
          - address: [::]:8443
            tls: {}
        >>> martlet.yaml:2:15: not YAML: did not find expected node content while parsing a flow node, begun at 2:15; quote it: "[::]:8443"
        --- YAML stops at an asterisk
        routes:
          - authority: *.acme.dev
            cluster: orders
        >>> martlet.yaml:2:17: not YAML: did not find expected alphabetic or numeric character while scanning an alias, begun at 2:16; quote it: "*.acme.dev"
        --- a key twice
        drain: { delay: 1s }
        workers: 2
        drain: { delay: 2s }
        >>> martlet.yaml:1:1: the key "drain" is given twice, here and further down
        --- a list where sections belong
        without: listeners, authentication, clusters, routes
        - listeners
        >>> martlet.yaml:1:1: found a list, expected a mapping
        --- an unknown key, one misspelt, one of a feature that is not there
        wrokers: 2
        tracing: { endpoint: x }
        drain: { delai: 1s, grace: 2s }
        >>> martlet.yaml:1:1:  wrokers: unknown key; did you mean "workers"?
        >>> martlet.yaml:2:1:  tracing: unknown key, expected workers, drain, access_log, admin, trusted_proxies, address_prefix, memory, overload, resolver, listeners, authentication, plans, stores, rate_limits, openapi, gzip, clusters or routes
        >>> martlet.yaml:3:10: drain.delai: unknown key; did you mean "delay"?
        >>> martlet.yaml:3:21: drain.grace: unknown key, expected delay or timeout
        --- wrong scalars, each reported
        workers: many
        drain: { delay: 5, timeout: 5 parsecs }
        access_log: sdtout
        admin: { address: localhost:9901 }
        trusted_proxies: [10.0.0.1/8, 10.0.0.0/33, everyone]
        memory: { process: 64MB, connection: 12 }
        >>> martlet.yaml:1:10: workers: found "many", expected a whole number from 1 to 1024, or auto
        >>> martlet.yaml:2:17: drain.delay: found "5", expected a duration such as 250ms or 5s
        >>> martlet.yaml:2:29: drain.timeout: found "5 parsecs", expected a duration such as 250ms or 5s
        >>> martlet.yaml:3:13: access_log: found "sdtout", expected off, stdout, or a path with a slash such as ./access.log or /var/log/martlet.json; did you mean "stdout"?
        >>> martlet.yaml:4:19: admin.address: found "localhost:9901", expected an address to listen on such as 0.0.0.0:8443, "[::]:8443" or unix:/run/martlet.sock
        >>> martlet.yaml:5:19: trusted_proxies[0]: found "10.0.0.1/8", expected the first address of a block, such as 10.0.0.0/8
        >>> martlet.yaml:5:31: trusted_proxies[1]: found "10.0.0.0/33", expected a prefix length from 0 to 32
        >>> martlet.yaml:5:44: trusted_proxies[2]: found "everyone", expected an address or a block such as 10.0.0.0/8 or 2001:db8::/32
        >>> martlet.yaml:6:20: memory.process: found "64MB", expected a size such as 60KiB or 1MiB, at least 16MiB
        >>> martlet.yaml:6:38: memory.connection: found "12", expected a size such as 60KiB or 1MiB, at least 1MiB
        --- workers are counted from one
        workers: 0
        >>> martlet.yaml:1:10: workers: found "0", expected a whole number from 1 to 1024, or auto
        --- a connection may not hold more than the process
        memory: { process: 16MiB, connection: 17MiB }
        >>> martlet.yaml:1:39: memory.connection: found 17MiB, expected at most 16MiB, which the whole process may hold
        --- a section with nothing in it
        admin:
        drain:
        >>> martlet.yaml:1:7: admin: found nothing, expected a mapping with address
        >>> martlet.yaml:2:7: drain: found nothing, expected a mapping
        --- a variable that is not set
        drain: { delay: "${GONE}", timeout: "${EMPTY}" }
        >>> martlet.yaml:1:17: drain.delay: the environment variable GONE is not set
        >>> martlet.yaml:1:37: drain.timeout: found "${EMPTY}" (EMPTY is ""), expected a duration such as 250ms or 5s
        --- a value from the environment is not echoed
        drain: { delay: "${SECRET}" }
        >>> martlet.yaml:1:17: drain.delay: found "${SECRET}" (SECRET is not shown), expected a duration such as 250ms or 5s
        """#)
}
