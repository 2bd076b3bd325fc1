"""What the operator sets of tenants, and what tenants have used of their quotas."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from meshkit.clock import utc_now
from meshkit.errors import FieldError, InvalidArgument
from services.upload.keys import checked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from meshkit.quotas import Quota
    from services.upload.ports import Store
    from services.upload.quotas import Limits, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A tenant, and its quotas at this moment: of bytes, and of uploads."""

    tenant: Tenant
    quotas: tuple[Quota, Quota]


class Tenants:
    """`limits` are those of tenants that have none of their own."""

    def __init__(self, store: Store, limits: Limits, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._limits = limits
        self._now = now

    async def standing(self, tenant_id: str) -> Standing:
        async with self._store.transaction() as tx:
            return self._standing(await tx.tenant(tenant_id))

    async def change(self, tenant_id: str, values: Mapping[str, Any]) -> Standing:
        """`values` by the names of Tenant; None is the default again. What is begun already stays.

        Raises InvalidArgument for a template that says where no key may be.
        """
        try:
            checked(values.get("object_key_template") or "")
        except ValueError as error:
            field = FieldError("object_key_template", str(error))
            raise InvalidArgument("invalid_argument", field.message, fields=(field,)) from None
        async with self._store.transaction() as tx:
            changed = replace(await tx.tenant(tenant_id), **values)
            await tx.save_tenant(changed)
        return self._standing(changed)

    def _standing(self, tenant: Tenant) -> Standing:
        return Standing(tenant=tenant, quotas=tenant.quotas(self._limits, self._now()))
