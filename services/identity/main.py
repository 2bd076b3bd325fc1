"""Wire the identity service."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from reelmesh.identity.v1 import identity_pb2_grpc

from meshkit.auth import Verifier
from meshkit.db import Database
from meshkit.grpc.server import GrpcServer
from meshkit.nats import connected
from meshkit.outbox import Relay
from meshkit.run import every, until
from meshkit.settings import DatabaseSettings, GrpcSettings, NatsSettings
from meshkit.watch import EVERY, Watch
from services.identity import grpc_api
from services.identity.accounts import Accounts
from services.identity.api_keys import ApiKeys
from services.identity.members import Members
from services.identity.passwords import Argon2
from services.identity.roles import SERVICE_SCOPES
from services.identity.service import Identities
from services.identity.store import PostgresStore

if TYPE_CHECKING:
    import asyncio

HOUR = 3600.0
MINUTE = 60.0
# 128 bits in base64 have 22 characters; what is shorter can be guessed, and its hash says nothing against that.
Secret = Annotated[str, Field(min_length=22, max_length=255)]


class Settings(GrpcSettings, DatabaseSettings, NatsSettings):
    bootstrap_api_key: Secret = Field(default="", validate_default=False, repr=False)
    service_keys: dict[str, Secret] = Field(default={}, repr=False)
    signup: Literal["open", "closed"] = "open"
    """Whether anybody may make a tenant."""
    signing_key_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How long a key signs before the next one does."""

    @field_validator("service_keys")
    @classmethod
    def _known_and_apart(cls, keys: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if unknown := sorted(set(keys) - set(SERVICE_SCOPES)):
            raise ValueError(f"no such services: {', '.join(unknown)}")
        secrets = [*keys.values(), info.data.get("bootstrap_api_key")]
        if len(set(secrets)) < len(secrets):
            raise ValueError("every key must be another one, also than BOOTSTRAP_API_KEY")
        return keys


async def main(settings: Settings, stop: asyncio.Event) -> None:
    db = Database(settings.database_url)
    store, passwords = PostgresStore(db), Argon2()
    identities = Identities(store, signing_lifetime=timedelta(days=settings.signing_key_days))
    accounts = Accounts(store, passwords, signup=settings.signup == "open")
    await identities.prepare(settings.bootstrap_api_key, settings.service_keys)
    async with connected(settings.nats_url, "identity", replicas=settings.nats_replicas) as bus:
        relay = Relay(db, bus, "identity")
        server = GrpcServer(settings, Verifier(identities.jwks), grpc_api.SCOPES)
        server.add(
            grpc_api.IdentityApi(identities, accounts, ApiKeys(store), Members(store, passwords)),
            identity_pb2_grpc.add_IdentityServiceServicer_to_server,
            grpc_api.SERVICE.full_name,
        )
        async with server.serving():
            steps = every(MINUTE, identities.rotate), every(HOUR, accounts.purge), every(HOUR, relay.purge)
            watch = every(EVERY, Watch(db, bus, "identity").look)
            await until(stop, relay.run(), *steps, watch)
    await db.close()
    passwords.close()
