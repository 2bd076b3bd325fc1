"""Whether this process tells anything of itself. Off (OTEL_SDK_DISABLED), it counts nothing and hands no trace on."""

from dataclasses import dataclass


@dataclass(slots=True)
class Switch:
    on: bool = True


TELEMETRY = Switch()
