/// A certificate for `redis.test` that is its own authority, valid to 2126, and its key; of no use outside these tests.
enum TLSFixture {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBpjCCAUugAwIBAgIUZXylDQQpqlQJA6q87zosZ/t1HaswCgYIKoZIzj0EAwIw
        FTETMBEGA1UEAwwKcmVkaXMudGVzdDAgFw0yNjExMjEwMTAwMzJaGA8yMTI2MTAy
        ODAxMDAzMlowFTETMBEGA1UEAwwKcmVkaXMudGVzdDBZMBMGByqGSM49AgEGCCqG
        SM49AwEHA0IABB+G3MWLDvnDq/q+iAhRo6gK3xylrEUvuiVcJlLxSKXNzXvWIruk
        /LbgoxkxvOewk173LEUe8CSXUUt2ndD5SdejdzB1MB0GA1UdDgQWBBSzkUQ3vCBB
        U9ka4uwj9TCWcr7xPTAfBgNVHSMEGDAWgBSzkUQ3vCBBU9ka4uwj9TCWcr7xPTAP
        BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCnJlZGlzLnRlc3QwCwYDVR0PBAQD
        AgKEMAoGCCqGSM49BAMCA0kAMEYCIQDh2vo0g1MiTuCBxsXO7G38GLKaTAslWI09
        aKUvxCqu4wIhAPCP4uKTVgfhdtadEmmo9z5TlaEGwR0W7Uy9FD2V0Kf3
        -----END CERTIFICATE-----

        """
    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7WFhluEBjiRSnJmz
        ClZIjdZfalZWLbyWYthHRhvPYa+hRANCAAQfhtzFiw75w6v6vogIUaOoCt8cpaxF
        L7olXCZS8Uilzc171iK7pPy24KMZMbznsJNe9yxFHvAkl1FLdp3Q+UnX
        -----END PRIVATE KEY-----

        """
}
