"""What this process tells of itself, as the standard variables have it; read where every request passes."""

from dataclasses import dataclass


@dataclass(slots=True)
class Switch:
    on: bool = True
    """Off (OTEL_SDK_DISABLED), nothing is counted, and no trace goes on."""
    ratio: float = 1.0
    """Of the traces that begin here, those that the sampler is asked about."""
    follows: bool = False
    """Whether a trace that came unsampled stays so."""


TELEMETRY = Switch()
