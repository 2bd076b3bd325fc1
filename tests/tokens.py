"""Access tokens as identity would sign them, for services that run without it."""

from __future__ import annotations

import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from meshkit import auth
from meshkit.ids import new_id

_KEY = Ed25519PrivateKey.generate()
_KID = "test"


async def jwks() -> str:
    public = OKPAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
    return json.dumps({"keys": [public | {"kid": _KID, "alg": auth.ALGORITHM, "use": "sig"}]})


def verifier() -> auth.Verifier:
    return auth.Verifier(jwks)


def token(tenant_id: str, *scopes: str, audience: str = auth.ACCESS_AUDIENCE, seconds: float = 300) -> str:
    claims = {
        "iss": auth.ISSUER,
        "aud": audience,
        "sub": new_id(),
        "tid": tenant_id,
        "scope": " ".join(scopes),
        "iat": time.time(),
        "exp": time.time() + seconds,
    }
    return jwt.encode(claims, _KEY, algorithm=auth.ALGORITHM, headers={"kid": _KID})
