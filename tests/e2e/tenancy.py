"""Every operation of the API and every method of the protos, and what each is called with.

What is new is covered without a word here where it follows the rules below; a test fails until the rest is classed.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import reelmesh
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message_factory import GetMessageClass

import services
from meshkit.grpc.server import ANY
from meshkit.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

OPEN = {
    "POST /v1/auth/signup",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "GET /.well-known/jwks.json",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /play/{token}/{path}",
    "GET /embed/{token}",
    "OPTIONS /v1/tus",
}
"""What needs no credential."""
FAMILIES = {
    "uploads": "uploads",
    "tus": "uploads",
    "s3": "uploads",
    "assets": "assets",
    "rankings": "assets",
    "retention": "assets",
    "jobs": "jobs",
    # Whoever says more than a preset needs jobs:write too.
    "transcode": "uploads",
    "events": "events",
    "api-keys": "keys",
    "members": "members",
    "webhooks": "webhooks",
    "webhook-deliveries": "webhooks",
    "callback-secret": "webhooks",
    "analysis-hook": "analysis",
    "tenants": "tenants",
    "audit": "audit",
    "presets": "jobs",
}
"""The first word of a path and the family of its scopes: `:read` for GET, `:write` for all else."""
OWN_NAMES = {"PUT /v1/presets/{preset_name}"}
"""Where a path has a name that each tenant gives for itself: a stranger's is another."""
SCOPES = {
    "GET /v1/me": ANY,
    "POST /v1/auth/logout": ANY,
    "POST /v1/auth/password": ANY,
    "GET /v1/presets": ANY,
    "GET /v1/jobs/{job_id}/attempts": "jobs:inspect",
    "GET /v1/presets/{preset_name}": ANY,
    "GET /v1/quotas": "uploads:read",
    # Who asks where a stream stands ends the one before it; who asks for URLs writes by them.
    "HEAD /v1/tus/{upload_id}": "uploads:write",
    "GET /v1/s3/params": "uploads:write",
    "GET /v1/s3/multipart/{upload_id}/batch": "uploads:write",
    "GET /v1/s3/multipart/{upload_id}/{part_number}": "uploads:write",
    "PUT /v1/assets/{asset_id}/vote": "assets:read",
    "DELETE /v1/assets/{asset_id}/vote": "assets:read",
}
"""Where that rule does not hold."""
HOLDERS = {
    *("playback:read", "accounts:serve", "tasks:work", "uploads:append", "assets:analyse"),
    *("tenants:read", "tenants:write"),
}
"""Scopes of the mesh's own services and of its operator, which no tenant can have."""
ADDRESSES = {
    "reelmesh.identity.v1.IdentityService": "identity",
    "reelmesh.upload.v1.UploadService": "upload",
    "reelmesh.metadata.v1.MetadataService": "metadata",
    "reelmesh.metadata.v1.AuditService": "metadata",
    "reelmesh.metadata.v1.AnalysisService": "metadata",
    "reelmesh.transcode.v1.TranscodeService": "scheduler",
    "reelmesh.transcode.v1.WorkerService": "scheduler",
    "reelmesh.transcode.v1.TenantService": "scheduler",
    "reelmesh.notify.v1.NotifyService": "notify",
    "reelmesh.notify.v1.WebhookService": "notify",
    "reelmesh.notify.v1.AnalysisHookService": "notify",
}
EXAMPLES: dict[str, Any] = {
    "file_name": "a.mp4",
    "size": 3,
    "preset": "hls",
    "email": "somebody@club.example",
    "password": "correct horse battery",
    "scopes": ["assets:read"],
    "role": "viewer",
    "url": "https://club.example/hook",
    "part_numbers": [1],
    "tenant_id": new_id(),
    "expires_in": 600,
    "page_size": 200,
    "last_event_id": "0",
    "start_time": "2026-01-01T00:00:00Z",
    "file": "file",
    "part_number": 1,
    "filename": "a.mp4",
    "partNumbers": "1",
    "PartNumber": 1,
    "ETag": "e",
}
"""Values by name, for fields that cannot be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    name: str
    """Such as `GET /v1/assets/{asset_id}`."""
    described: Mapping[str, Any]
    components: Mapping[str, Any]

    @property
    def method(self) -> str:
        return self.name.split()[0]

    @property
    def path(self) -> str:
        return self.name.split()[1]

    @property
    def secured(self) -> bool:
        return bool(self.described.get("security"))

    @property
    def scope(self) -> str:
        if self.name in SCOPES:
            return SCOPES[self.name]
        word = self.path.removeprefix("/v1/").partition("/")[0]
        assert word in FAMILIES, f"{self.name}: say in tests/e2e/tenancy.py which scope it needs"
        return f"{FAMILIES[word]}:{'read' if self.method in {'GET', 'HEAD'} else 'write'}"

    def parameters(self, place: str) -> list[Mapping[str, Any]]:
        return [each for each in self.described.get("parameters", ()) if each["in"] == place]

    def request(self, known: Mapping[str, str]) -> dict[str, Any]:
        """What httpx2 takes: everything that must be there, and everything that names a resource of `known`."""
        path = self.path
        for each in self.parameters("path"):
            value = known.get(each["name"], EXAMPLES.get(each["name"]))
            assert value, f"{self.name}: say in tests/e2e/test_tenancy.py what {each['name']} is"
            path = path.replace(f"{{{each['name']}}}", str(value))
        query = {
            each["name"]: known.get(each["name"]) or self.example(each["schema"], each["name"], known)
            for each in self.parameters("query")
            if each.get("required") or each["name"] in known
        }
        headers = {
            each["name"]: str(self.example(each["schema"], each["name"], known))
            for each in self.parameters("header")
            if each.get("required")
        }
        body = self.body(known)
        return {
            "method": self.method,
            "url": path,
            "params": query,
            **body,
            "headers": headers | body.get("headers", {}),
        }

    def body(self, known: Mapping[str, str]) -> dict[str, Any]:
        content = self.described.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            schema = content["application/json"]["schema"]
            optional = not self.described["requestBody"].get("required")
            return {} if optional else {"json": self.example(schema, "", known)}
        if "multipart/form-data" in content:
            fields = self.example(content["multipart/form-data"]["schema"], "", known)
            fields.pop("file", None)
            return {"data": fields, "files": {"file": ("a.bin", b"abc")}}
        return {"content": b"", "headers": {"Content-Type": next(iter(content))}} if content else {}

    def example(self, schema: Mapping[str, Any], name: str, known: Mapping[str, str]) -> Any:  # noqa: PLR0911
        """The smallest value that the schema allows."""
        if name in known or name in EXAMPLES:
            return known.get(name) or EXAMPLES[name]
        if "$ref" in schema:
            return self.example(self.components[schema["$ref"].rpartition("/")[2]], name, known)
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema:
                return self.example(schema[union][0], name, known)
        if "const" in schema or "enum" in schema:
            return schema.get("const") or schema["enum"][0]
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                # A patch that names nothing is refused before anybody looks at what it would change.
                wanted = {*(schema.get("required") or fields.keys() & EXAMPLES), *(fields.keys() & known)}
                return {each: self.example(fields[each], each, known) for each in sorted(wanted)}
            case "array":
                return [self.example(schema["items"], name, known)] * schema.get("minItems", 0)
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
        return new_id() if schema.get("format") == "uuid" else "x" * max(1, schema.get("minLength", 1))


def operations(document: Mapping[str, Any]) -> list[Operation]:
    components = document["components"]["schemas"]
    return [
        Operation(name=f"{method.upper()} {path}", described=described, components=components)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    described: MethodDescriptor
    scopes: Mapping[str, str] = field(repr=False)

    @property
    def service(self) -> str:
        return str(self.described.containing_service.full_name)

    @property
    def name(self) -> str:
        return f"/{self.service}/{self.described.name}"

    @property
    def scope(self) -> str:
        return self.scopes[self.name]

    @property
    def program(self) -> str:
        assert self.service in ADDRESSES, f"{self.service}: say in tests/e2e/tenancy.py which program serves it"
        return ADDRESSES[self.service]

    def request(self, known: Mapping[str, str]) -> Any:
        """Its fields by name: resources of `known`, examples, and nothing else."""
        message: Any = GetMessageClass(self.described.input_type)()
        for each in self.described.input_type.fields:
            value = known.get(each.name, EXAMPLES.get(each.name))
            if each.enum_type:
                value = each.enum_type.values[-1].number
            if value is None:
                continue
            if each.is_repeated:
                getattr(message, each.name).extend(value)
            elif each.message_type and each.message_type.full_name == "google.protobuf.Timestamp":
                getattr(message, each.name).FromJsonString(value)
            elif each.type != FieldDescriptor.TYPE_MESSAGE:
                setattr(message, each.name, value)
        if "update_mask" in self.described.input_type.fields_by_name:
            message.update_mask.paths.extend(EXAMPLES.keys() & {each.name for each in self.described.input_type.fields})
        return message

    def names(self, known: Mapping[str, str]) -> bool:
        """Whether a request names a resource."""
        return any(each.name in known for each in self.described.input_type.fields)


def methods() -> list[Method]:
    """Every method of every service in `gen/`, with the scope that the service that serves it asks for."""
    scopes: dict[str, str] = {}
    for module in _modules(services, "*_api.py"):
        scopes |= getattr(module, "SCOPES", {})
    found = [service for module in _modules(reelmesh, "*_pb2.py") for service in _services(module)]
    return [Method(described=method, scopes=scopes) for service in found for method in service.methods]


def _services(module: Any) -> list[ServiceDescriptor]:
    return list(module.DESCRIPTOR.services_by_name.values())


def _modules(package: Any, pattern: str) -> Iterator[Any]:
    top = Path(next(iter(package.__path__)))
    for path in sorted(top.rglob(pattern)):
        yield importlib.import_module(".".join((package.__name__, *path.relative_to(top).with_suffix("").parts)))
