"""What a caller can be allowed, and which of it a user's role gives."""

from __future__ import annotations

from enum import StrEnum

UPLOADS_READ = "uploads:read"
UPLOADS_WRITE = "uploads:write"
ASSETS_READ = "assets:read"
ASSETS_WRITE = "assets:write"
JOBS_READ = "jobs:read"
JOBS_WRITE = "jobs:write"
JOBS_INSPECT = "jobs:inspect"
EVENTS_READ = "events:read"
WEBHOOKS_READ = "webhooks:read"
WEBHOOKS_WRITE = "webhooks:write"
KEYS_READ = "keys:read"
KEYS_WRITE = "keys:write"
MEMBERS_READ = "members:read"
MEMBERS_WRITE = "members:write"
AUDIT_READ = "audit:read"
ANALYSIS_READ = "analysis:read"
ANALYSIS_WRITE = "analysis:write"
PLAYBACK_SIGN = "playback:sign"
PLAYBACK_READ = "playback:read"
ACCOUNTS_SERVE = "accounts:serve"
TASKS_WORK = "tasks:work"
ASSETS_ANALYSE = "assets:analyse"
UPLOADS_APPEND = "uploads:append"
TENANTS_READ = "tenants:read"
TENANTS_WRITE = "tenants:write"

VIEWER_SCOPES = frozenset({UPLOADS_READ, ASSETS_READ, JOBS_READ, EVENTS_READ, PLAYBACK_SIGN})
MEMBER_SCOPES = VIEWER_SCOPES | {UPLOADS_WRITE, ASSETS_WRITE, JOBS_WRITE, WEBHOOKS_READ, WEBHOOKS_WRITE, MEMBERS_READ}
TENANT_SCOPES = MEMBER_SCOPES | {
    *(KEYS_READ, KEYS_WRITE, MEMBERS_WRITE, AUDIT_READ, JOBS_INSPECT, ANALYSIS_READ, ANALYSIS_WRITE)
}
"""All that a key of a tenant can be good for."""
SERVICE_SCOPES = {
    "gateway": frozenset({PLAYBACK_READ, ACCOUNTS_SERVE, UPLOADS_APPEND}),
    "transcode-worker": frozenset({TASKS_WORK}),
    "notify": frozenset({ASSETS_ANALYSE}),
    "operator": frozenset({TENANTS_READ, TENANTS_WRITE, JOBS_INSPECT}),
}
"""The services, and the operator, that have a key of their own, and what it is good for: across tenants."""


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"

    @property
    def scopes(self) -> frozenset[str]:
        return {Role.OWNER: TENANT_SCOPES, Role.MEMBER: MEMBER_SCOPES, Role.VIEWER: VIEWER_SCOPES}[self]
