"""How far an outside service is with what it says of an asset; what it said lies beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class AnalysisState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The first answer stays, whatever is asked or fails later."""

    state: AnalysisState
    error_code: str = ""
    error_message: str = ""
    update_time: datetime

    def ask(self, now: datetime) -> Analysis:
        return pending(now) if self.state is AnalysisState.ERRORED else self

    def answer(self, now: datetime) -> Analysis:
        ready = self.state is AnalysisState.READY
        return self if ready else Analysis(state=AnalysisState.READY, update_time=now)

    def fail(self, code: str, message: str, now: datetime) -> Analysis:
        if self.state is not AnalysisState.PENDING:
            return self
        return Analysis(state=AnalysisState.ERRORED, error_code=code, error_message=message, update_time=now)


def pending(now: datetime) -> Analysis:
    return Analysis(state=AnalysisState.PENDING, update_time=now)
