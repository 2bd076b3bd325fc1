"""What all bodies of requests have in common."""

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A field that we would not act on is refused rather than passed over."""

    model_config = ConfigDict(extra="forbid")
