"""Where sources lie in the bucket: by asset, below a prefix of the tenant's choice; never by a user's file name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_FIELD = re.compile(r"\{(?:label\.([A-Za-z0-9][A-Za-z0-9_.-]{0,62})|yyyy|mm|dd)\}")
_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 64
MISSING = "none"
"""In place of a label that an upload does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`template` is such as `athletes/{label.athlete_id}/{yyyy}/{mm}`, or empty for none; `tenants` have their own."""

    template: str = ""
    tenants: Mapping[str, str] = field(default_factory=dict)

    def key(
        self, *, tenant_id: str, asset_id: str, labels: Mapping[str, str], at: datetime, own: str | None = None
    ) -> str:
        """Of a source; all that is made of it will lie beside it. `own` is the tenant's template that is on record."""

        def value(found: re.Match[str]) -> str:
            if name := found[1]:
                return _STRANGE.sub("_", labels.get(name, ""))[:_LONGEST] or MISSING
            return {"{yyyy}": f"{at.year:04}", "{mm}": f"{at.month:02}", "{dd}": f"{at.day:02}"}[found[0]]

        template = self.tenants.get(tenant_id, self.template) if own is None else own
        prefix = _FIELD.sub(value, template) or "assets"
        # A label may say so, too.
        mark = "_" if prefix.partition("/")[0] == "tmp" else ""
        return f"{mark}{prefix}/{asset_id}/source"


NO_LAYOUT = Layout()


def checked(template: str) -> str:
    """The same template. Raises ValueError for one that says where no key may be."""
    segments = _FIELD.sub("x", template).split("/") if template else []
    if len(template) > 255 or not all(map(_SEGMENT.fullmatch, segments)):
        raise ValueError(f"not a template of keys, such as athletes/{{label.athlete_id}}/{{yyyy}}/{{mm}}: {template}")
    return template
