/// Keys made with the openssl command for these tests, and used nowhere else.
enum PEMFixtures {
    /// P-256, PKCS #8.
    static let ecPrivate = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqpOlS99iBn9qbtbm
        0v0WMvYBMv2vW9oWYFCli7dQ9PKhRANCAAQR8vPnKhzn+d62OwSTH4uJ8gA3scSk
        8kBSYo7IWs+3lBgvG3TAXs0EMFP3HvfJjIWypIE1Osdcl2zV9q0w6kj1
        -----END PRIVATE KEY-----

        """

    /// The public half of `ecPrivate`.
    static let ecPublic = """
        -----BEGIN PUBLIC KEY-----
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEfLz5yoc5/netjsEkx+LifIAN7HE
        pPJAUmKOyFrPt5QYLxt0wF7NBDBT9x73yYyFsqSBNTrHXJds1fatMOpI9Q==
        -----END PUBLIC KEY-----

        """

    /// Self-signed, with `ecPrivate`.
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBdjCCARugAwIBAgIUFcBSG5Y5Z+5jE+MDnFhQ0EWgncAwCgYIKoZIzj0EAwIw
        DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwMDE1NDNaGA8yMTI2MTAyODAwMTU0
        M1owDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBHy
        8+cqHOf53rY7BJMfi4nyADexxKTyQFJijshaz7eUGC8bdMBezQQwU/ce98mMhbKk
        gTU6x1yXbNX2rTDqSPWjUzBRMB0GA1UdDgQWBBSo91aKWMk62BWIghlao2f5oBUf
        vTAfBgNVHSMEGDAWgBSo91aKWMk62BWIghlao2f5oBUfvTAPBgNVHRMBAf8EBTAD
        AQH/MAoGCCqGSM49BAMCA0kAMEYCIQDHpLPFvHpYyiizMFD2aejDHN4CVPuDtywR
        aP//XwB1JQIhAK8HuVWGQ3vFhdp510p7yYevvmu11MOWUozahGgO8TWU
        -----END CERTIFICATE-----

        """

    /// P-256 in SEC 1 form behind a block of parameters, as `openssl ecparam -genkey` writes it.
    static let ecWithParameters = """
        -----BEGIN EC PARAMETERS-----
        BggqhkjOPQMBBw==
        -----END EC PARAMETERS-----
        -----BEGIN EC PRIVATE KEY-----
        MHcCAQEEIDntWKFVQibo2uc9wDe5VMYrp4Poj7mpvTqgHNmOJmq/oAoGCCqGSM49
        AwEHoUQDQgAExzRnhH0XUhfBxeSbZGdTPb2f3/fJNhvfWwnnJz0nc5To5YibLruQ
        Bek6R10sy4CIsnL5kIyDriI6gANd+aGkww==
        -----END EC PRIVATE KEY-----

        """

    /// `ecPrivate`, encrypted in PKCS #8.
    static let encrypted = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhhIGFwVD4YcwICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEPnaglDE7IzOWwGdXx+azLMEgZBS
        ALzAr3lG4yNlY+8VZzT2jTu2quj65U3mg5VWPrSxjUAUTHD61LgNfPQ0EvQyyCZK
        gdFXc9fvBHmOW0408q45YQSXI3FVY5Fpb/yf9HwTVs3LM2NMjCXn1LePEFglJIPV
        O56eH22/M+3pwUoziAIesmFPqGLBAQNost6qgMJUF+ogFT7LbqpoIR/otZhdxE4=
        -----END ENCRYPTED PRIVATE KEY-----

        """

    /// `ecPrivate`, encrypted by PEM headers.
    static let encryptedOldStyle = """
        -----BEGIN EC PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED
        DEK-Info: AES-128-CBC,0DC10F0F4BA2BA8627F41546786F8030

        xa62HcmX8J8SulAsOcEK3nz1jrJ/g/5J9NKjTxTksa5SYwpqn1c2JfHAY+ptD6lF
        2XOT/JMJPawgkSfV8l/acZTCwSikEYMoOjPz4Vz4pXhGfKxyr3zlUDwaPsj30jUd
        f9Y9g/0RggfNGE1MbCooFf7UBHANey3uABAHNJPk1xw=
        -----END EC PRIVATE KEY-----

        """

    /// RSA of 1024 bits, PKCS #1.
    static let rsaPublicOldStyle = """
        -----BEGIN RSA PUBLIC KEY-----
        MIGJAoGBAMaE+NYp2J/+WR4iNbv2DKtmPXuUTPJLM1CwWz/Xwt7Q/Qa4iFw4vVI8
        KEzRNtqa5xheQtArBE5W+akAprArblJIOmbs8mvoPGBsCGcMCrbHiu91iUwEd/5w
        DxbEqEiILM4Mk1FwWO7Q5iOxF/W95Uwil/U2YPtb4VSNzB2kkZ4hAgMBAAE=
        -----END RSA PUBLIC KEY-----

        """

    /// secp256k1.
    static let foreignCurve = """
        -----BEGIN PUBLIC KEY-----
        MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEA1uTvF+L9N3+mfNpJz6OvVIBl9yQ2nYE
        lvyJENvgpG7u3dME/S8N8+iiaAFV45RfrKG5G8Bum/a7zPVvF6czxg==
        -----END PUBLIC KEY-----

        """

    /// P-256, its parameters written out in place of its name.
    static let explicitCurve = """
        -----BEGIN PUBLIC KEY-----
        MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA
        AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////
        ///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd
        NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5
        RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA
        //////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABD2YvanQtAuecP0e27aC5diA
        80wchJzLIa7nkBgZU5bWgJjC7FEI/zVB/BARxX8fT2YNDDI8GeDGQY1I4bGA8Lc=
        -----END PUBLIC KEY-----

        """

    /// A key that agrees and cannot sign.
    static let x25519 = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VuAyEAfXDiF1Y2jtpShT1Cp7oByGPInACKOSF3m1+/WH3F7Qo=
        -----END PUBLIC KEY-----

        """
}
