"""Labels as what they are: numbers where they are written as such, and text."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# As in the migration. One way to write a number but for zeros at the end of a fraction: 007 is no number, but a name.
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?")


class Comparison(StrEnum):
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


_HOLDS = {
    Comparison.GT: operator.gt,
    Comparison.GTE: operator.ge,
    Comparison.LT: operator.lt,
    Comparison.LTE: operator.le,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Only what has the label as a number, on this side of `number`."""

    name: str
    comparison: Comparison
    number: Decimal

    def holds(self, labels: Mapping[str, str]) -> bool:
        number = number_of(labels.get(self.name, ""))
        return number is not None and bool(_HOLDS[self.comparison](number, self.number))


def number_of(text: str) -> Decimal | None:
    """None for what is no number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def same(labels: Mapping[str, str], name: str, value: str) -> bool:
    """Whether the label is there with this value; numbers are the same however many zeros end them."""
    if name not in labels:
        return False
    number = number_of(value)
    return labels[name] == value if number is None else number_of(labels[name]) == number
