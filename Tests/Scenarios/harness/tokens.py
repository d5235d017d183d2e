"""Keys, key sets and tokens, made by PyJWT and cryptography: a second opinion on everything that JOSE verifies."""

import base64
import hashlib
import hmac
import json
import secrets
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://auth.scenarios.test"
AUDIENCE = "orders"
_CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
_rsa_keys = {}


class SigningKey:
    """A key fixed to one algorithm, able to sign and to show its JWK."""

    def __init__(self, algorithm, kid=None, *, bits=2048):
        self.algorithm = algorithm
        self.kid = kid if kid is not None else f"{algorithm.lower()}-{secrets.token_hex(4)}"
        if algorithm.startswith("HS"):
            self.secret = secrets.token_bytes(64)
            self._private = self.secret
        elif algorithm[:2] in ("RS", "PS"):
            # One RSA key serves every RSA algorithm of a run: making them is the slow part.
            self._private = _rsa_key(bits)
        elif algorithm in _CURVES:
            self._private = ec.generate_private_key(_CURVES[algorithm]())
        elif algorithm == "EdDSA":
            self._private = ed25519.Ed25519PrivateKey.generate()
        else:
            raise ValueError(algorithm)

    def jwk(self, **more):
        if self.algorithm.startswith("HS"):
            document = HMACAlgorithm.to_jwk(self.secret, as_dict=True)
        else:
            public = self._private.public_key()
            family = (RSAAlgorithm if self.algorithm[1:2] == "S" and self.algorithm[0] in "RP"
                      else OKPAlgorithm if self.algorithm == "EdDSA" else ECAlgorithm)
            document = family.to_jwk(public, as_dict=True)
        document.pop("key_ops", None)
        document.update({"kid": self.kid, "alg": self.algorithm, "use": "sig"})
        document.update(more)
        return {name: value for name, value in document.items() if value is not None}

    def public_pem(self):
        return self._private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, claims, headers=None):
        return jwt.encode(claims, self._private, algorithm=self.algorithm, headers={"kid": self.kid, **(headers or {})})

    def token(self, *, headers=None, without=(), **claims):
        """A good token, except for what is said: `token(exp=1)`, `token(without=["aud"])`."""
        now = int(time.time())
        all_claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "iat": now, "exp": now + 600, **claims}
        return self.sign({name: value for name, value in all_claims.items() if name not in without}, headers)


def key_set(*keys):
    return {"keys": [key.jwk() if isinstance(key, SigningKey) else key for key in keys]}


def write_key_set(path, *keys):
    path.write_text(json.dumps(key_set(*keys), indent=1))
    return path


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def raw_token(header, claims, signature=b""):
    """A token of any text at all: header and claims may be strings that no JSON writer would make."""
    parts = [part if isinstance(part, str) else json.dumps(part, separators=(",", ":")) for part in (header, claims)]
    return ".".join([b64(parts[0]), b64(parts[1]), b64(signature)])


def signed_raw(key, header, claims):
    """Any text at all, rightly signed by this key: only what it says can be wrong."""
    signed = raw_token(header, claims).rsplit(".", 1)[0]
    if key.algorithm.startswith("HS"):
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[key.algorithm]
        return f"{signed}.{b64(hmac.digest(key.secret, signed.encode(), digest))}"
    algorithm = jwt.get_algorithm_by_name(key.algorithm)
    return f"{signed}.{b64(algorithm.sign(signed.encode(), key._private))}"


def hmac_with_public_key(key, claims):
    """The classic confusion: an HS256 token signed with the text of an RSA public key."""
    signed = raw_token({"alg": "HS256", "typ": "JWT", "kid": key.kid}, claims).rsplit(".", 1)[0]
    return f"{signed}.{b64(hmac.digest(key.public_pem(), signed.encode(), hashlib.sha256))}"


def good_claims(**more):
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "iat": now, "exp": now + 600, **more}


def _rsa_key(bits):
    if bits not in _rsa_keys:
        _rsa_keys[bits] = rsa.generate_private_key(65537, bits)
    return _rsa_keys[bits]
