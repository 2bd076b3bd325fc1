"""IdentityService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import ANY, PUBLIC, service_scopes
from services.identity import roles, wire

if TYPE_CHECKING:
    from services.identity.accounts import Accounts
    from services.identity.api_keys import ApiKeys
    from services.identity.members import Members
    from services.identity.service import Identities

SERVICE = identity_pb2.DESCRIPTOR.services_by_name["IdentityService"]
SCOPES = service_scopes(
    SERVICE,
    ExchangeApiKey=PUBLIC,
    GetJwks=PUBLIC,
    Signup=roles.ACCOUNTS_SERVE,
    Login=roles.ACCOUNTS_SERVE,
    RefreshSession=roles.ACCOUNTS_SERVE,
    EndSession=roles.ACCOUNTS_SERVE,
    Logout=ANY,
    ChangePassword=ANY,
    GetCaller=ANY,
    SignPlayback=roles.PLAYBACK_SIGN,
    CreateApiKey=roles.KEYS_WRITE,
    ListApiKeys=roles.KEYS_READ,
    DeleteApiKey=roles.KEYS_WRITE,
    CreateMember=roles.MEMBERS_WRITE,
    ListMembers=roles.MEMBERS_READ,
    UpdateMember=roles.MEMBERS_WRITE,
    DeleteMember=roles.MEMBERS_WRITE,
    ListTenants=roles.TENANTS_READ,
    GetTenant=roles.TENANTS_READ,
)


class IdentityApi(identity_pb2_grpc.IdentityServiceServicer):
    def __init__(self, identities: Identities, accounts: Accounts, api_keys: ApiKeys, members: Members) -> None:
        self._identities = identities
        self._accounts = accounts
        self._api_keys = api_keys
        self._members = members

    async def Signup(self, request: identity_pb2.SignupRequest, context: Any) -> identity_pb2.SignupResponse:
        user, tokens = await self._accounts.sign_up(request.email, request.password, request.address)
        return identity_pb2.SignupResponse(user=wire.to_user(user), tokens=wire.to_session(tokens))

    async def Login(self, request: identity_pb2.LoginRequest, context: Any) -> identity_pb2.LoginResponse:
        tokens = await self._accounts.log_in(request.email, request.password, request.address)
        return identity_pb2.LoginResponse(tokens=wire.to_session(tokens))

    async def RefreshSession(
        self, request: identity_pb2.RefreshSessionRequest, context: Any
    ) -> identity_pb2.RefreshSessionResponse:
        tokens = await self._accounts.refresh(request.refresh_token)
        return identity_pb2.RefreshSessionResponse(tokens=wire.to_session(tokens))

    async def EndSession(
        self, request: identity_pb2.EndSessionRequest, context: Any
    ) -> identity_pb2.EndSessionResponse:
        await self._accounts.end(request.refresh_token)
        return identity_pb2.EndSessionResponse()

    async def Logout(self, request: identity_pb2.LogoutRequest, context: Any) -> identity_pb2.LogoutResponse:
        await self._accounts.log_out(caller())
        return identity_pb2.LogoutResponse()

    async def ChangePassword(
        self, request: identity_pb2.ChangePasswordRequest, context: Any
    ) -> identity_pb2.ChangePasswordResponse:
        await self._accounts.change_password(caller(), request.current_password, request.new_password)
        return identity_pb2.ChangePasswordResponse()

    async def CreateApiKey(
        self, request: identity_pb2.CreateApiKeyRequest, context: Any
    ) -> identity_pb2.CreateApiKeyResponse:
        scopes, expiry = frozenset(request.scopes), wire.from_expiry(request)
        key, secret = await self._api_keys.create(caller(), request.name, scopes, expiry, request.request_id)
        return identity_pb2.CreateApiKeyResponse(api_key=wire.to_api_key(key), secret=secret)

    async def ListApiKeys(
        self, request: identity_pb2.ListApiKeysRequest, context: Any
    ) -> identity_pb2.ListApiKeysResponse:
        rows, token = await self._api_keys.page(caller().tenant_id, request.page_size, request.page_token)
        return identity_pb2.ListApiKeysResponse(api_keys=map(wire.to_api_key, rows), next_page_token=token)

    async def DeleteApiKey(
        self, request: identity_pb2.DeleteApiKeyRequest, context: Any
    ) -> identity_pb2.DeleteApiKeyResponse:
        await self._api_keys.delete(caller().tenant_id, request.api_key_id)
        return identity_pb2.DeleteApiKeyResponse()

    async def CreateMember(
        self, request: identity_pb2.CreateMemberRequest, context: Any
    ) -> identity_pb2.CreateMemberResponse:
        role = wire.from_role(request.role)
        user = await self._members.create(caller().tenant_id, request.email, request.password, role)
        return identity_pb2.CreateMemberResponse(user=wire.to_user(user))

    async def ListMembers(
        self, request: identity_pb2.ListMembersRequest, context: Any
    ) -> identity_pb2.ListMembersResponse:
        rows, token = await self._members.page(caller().tenant_id, request.page_size, request.page_token)
        return identity_pb2.ListMembersResponse(users=map(wire.to_user, rows), next_page_token=token)

    async def UpdateMember(
        self, request: identity_pb2.UpdateMemberRequest, context: Any
    ) -> identity_pb2.UpdateMemberResponse:
        user = await self._members.change(caller().tenant_id, request.user_id, wire.from_role(request.role))
        return identity_pb2.UpdateMemberResponse(user=wire.to_user(user))

    async def DeleteMember(
        self, request: identity_pb2.DeleteMemberRequest, context: Any
    ) -> identity_pb2.DeleteMemberResponse:
        await self._members.delete(caller().tenant_id, request.user_id)
        return identity_pb2.DeleteMemberResponse()

    async def ExchangeApiKey(
        self, request: identity_pb2.ExchangeApiKeyRequest, context: Any
    ) -> identity_pb2.ExchangeApiKeyResponse:
        return wire.to_access(await self._api_keys.exchange(request.api_key))

    async def GetJwks(self, request: identity_pb2.GetJwksRequest, context: Any) -> identity_pb2.GetJwksResponse:
        return identity_pb2.GetJwksResponse(jwks_json=await self._identities.jwks())

    async def GetCaller(self, request: identity_pb2.GetCallerRequest, context: Any) -> identity_pb2.GetCallerResponse:
        return wire.to_caller(caller(), *await self._identities.who(caller()))

    async def SignPlayback(
        self, request: identity_pb2.SignPlaybackRequest, context: Any
    ) -> identity_pb2.SignPlaybackResponse:
        lifetime = wire.from_sign(request)
        return wire.to_playback(await self._identities.sign_playback(caller().tenant_id, request.playback_id, lifetime))

    async def ListTenants(
        self, request: identity_pb2.ListTenantsRequest, context: Any
    ) -> identity_pb2.ListTenantsResponse:
        rows, token = await self._identities.tenants(request.page_size, request.page_token)
        return identity_pb2.ListTenantsResponse(tenants=map(wire.to_tenant, rows), next_page_token=token)

    async def GetTenant(self, request: identity_pb2.GetTenantRequest, context: Any) -> identity_pb2.GetTenantResponse:
        tenant = await self._identities.tenant(request.tenant_id)
        return identity_pb2.GetTenantResponse(tenant=wire.to_tenant(tenant))
