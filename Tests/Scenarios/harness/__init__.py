"""What the scenarios stand on: processes, certificates, tokens, backends, raw HTTP/2, Redis."""
