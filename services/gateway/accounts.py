"""Users, sessions and keys in the shape of the API."""

from typing import Annotated, Any, Literal

from google.protobuf.message import Message
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints
from reelmesh.identity.v1 import identity_pb2

from services.gateway.bodies import Text
from services.gateway.body import Body
from services.gateway.schemas import Id, Tenant, Time

Role = Literal["owner", "member", "viewer"]
Email = Annotated[Text, StringConstraints(min_length=3, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]
NewPassword = Annotated[Text, StringConstraints(min_length=8, max_length=256)]
Password = Annotated[Text, StringConstraints(min_length=1, max_length=256)]
Secret = Annotated[Text, StringConstraints(min_length=1, max_length=255)]
Scope = Annotated[str, StringConstraints(min_length=1, max_length=64)]
KeyName = Annotated[Text, StringConstraints(min_length=1, max_length=255)]


class SignupRequest(Body):
    email: Email
    password: NewPassword


class LoginRequest(Body):
    email: Annotated[Text, StringConstraints(min_length=1, max_length=254)]
    password: Password


class RefreshRequest(Body):
    refresh_token: Secret


class LogoutRequest(Body):
    refresh_token: Secret | None = None


class PasswordRequest(Body):
    current_password: Password
    new_password: NewPassword


class ApiKeyRequest(Body):
    name: KeyName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=64)]
    expires_at: AwareDatetime | None = None


class MemberRequest(Body):
    email: Email
    password: NewPassword
    role: Role = "member"


class MemberPatch(Body):
    role: Role


class SessionTokens(BaseModel):
    access_token: str
    refresh_token: Annotated[str, Field(description="Good for one refresh.")]
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(description="Seconds that the access token is good for.")]


class User(BaseModel):
    id: Id
    tenant_id: Id
    email: str
    role: Role | None
    create_time: Time | None


class SignedUp(SessionTokens):
    user: User


class UserPage(BaseModel):
    items: list[User]
    next_page_token: str | None


class ApiKey(BaseModel):
    id: Id
    name: str
    scopes: list[str]
    create_time: Time | None
    expires_at: Time | None
    last_used_at: Annotated[Time | None, Field(description="To the minute.")]


class CreatedApiKey(ApiKey):
    secret: Annotated[
        str | None, Field(description="Shown here and nowhere else: null when the same request made the key before.")
    ]


class ApiKeyPage(BaseModel):
    items: list[ApiKey]
    next_page_token: str | None


class Me(BaseModel):
    tenant: Tenant
    user: Annotated[User | None, Field(description="Null for an API key.")]
    subject: str
    scopes: list[str]


class JwkSet(BaseModel):
    """RFC 7517."""

    keys: list[dict[str, str]]


def to_role(role: Role) -> identity_pb2.Role.ValueType:
    return identity_pb2.Role.Value(f"ROLE_{role.upper()}")


def to_create_key(body: ApiKeyRequest, request_id: str) -> identity_pb2.CreateApiKeyRequest:
    scopes = sorted(set(body.scopes))
    request = identity_pb2.CreateApiKeyRequest(name=body.name, scopes=scopes, request_id=request_id)
    if body.expires_at:
        request.expire_time.FromDatetime(body.expires_at)
    return request


def from_tokens(tokens: identity_pb2.SessionTokens, now: float) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": max(0, int(tokens.expire_time.ToSeconds() - now)),
    }


def from_user(user: identity_pb2.User) -> dict[str, Any]:
    return {
        "id": user.id,
        "tenant_id": user.tenant_id,
        "email": user.email,
        "role": identity_pb2.Role.Name(user.role).removeprefix("ROLE_").lower() if user.role else None,
        "create_time": _time(user, "create_time"),
    }


def from_key(key: identity_pb2.ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "create_time": _time(key, "create_time"),
        "expires_at": _time(key, "expire_time"),
        "last_used_at": _time(key, "last_use_time"),
    }


def from_caller(answer: identity_pb2.GetCallerResponse) -> dict[str, Any]:
    tenant = answer.tenant
    return {
        "tenant": {"id": tenant.id, "name": tenant.name, "create_time": _time(tenant, "create_time")},
        "user": from_user(answer.user) if answer.HasField("user") else None,
        "subject": answer.subject,
        "scopes": list(answer.scopes),
    }


def _time(pb: Message, field: str) -> str | None:
    return str(getattr(pb, field).ToJsonString()) if pb.HasField(field) else None
