"""What Locust wrote of one step, and the pages that say what all steps came to."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass
from pathlib import Path  # noqa: TC003 - annotations of a dataclass
from typing import Any

from bench.figures import describe_machine

P95_SECONDS, ERRORS = 1.0, 0.05
"""The objectives: of all requests to the API, not to the store."""


_STYLE = "body{font-family:sans-serif} td,th{padding:.2em .8em; text-align:right; border-bottom:1px solid #ddd}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    name: str
    requests: int
    failures: int
    p50: float
    p95: float
    p99: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    users: int
    seconds: float
    requests_per_second: float
    errors: float
    p50: float
    p95: float
    p99: float
    routes: tuple[Route, ...]

    @property
    def held(self) -> bool:
        return self.p95 <= P95_SECONDS and self.errors <= ERRORS


def read_step(path: Path, users: int, seconds: float) -> Step:
    """From the statistics that Locust wrote: response times are counted by rounded milliseconds."""
    entries = [each for each in json.loads(path.read_text()) if each["num_requests"]]
    api = [each for each in entries if not each["name"].startswith("store:")]
    requests, failures = (sum(each[name] for each in api) for name in ("num_requests", "num_failures"))
    p50, p95, p99 = _percentiles(api)
    return Step(
        users=users,
        seconds=seconds,
        requests_per_second=round(requests / seconds, 1),
        errors=round(failures / max(requests, 1), 4),
        p50=p50,
        p95=p95,
        p99=p99,
        routes=tuple(_route(each) for each in entries),
    )


def write_page(
    folder: Path, title: str, result: dict[str, Any], rows: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    """`report.html` with the rows as a table, `report.json` with `more`, too."""
    machine = describe_machine()
    whole = {"title": title, "machine": machine, **result, "rows": rows, **more}
    (folder / "report.json").write_text(json.dumps(whole, indent=1) + "\n")
    head = "".join(f"<th>{html.escape(name)}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(v))}</td>" for v in row.values()) + "</tr>" for row in rows)
    facts = "".join(f"<li>{html.escape(f'{name}: {value}')}</li>" for name, value in (machine | result).items())
    (folder / "report.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style>"
        f"<h1>{title}</h1><ul>{facts}</ul><table><tr>{head}</tr>{body}</table>\n"
    )


def steps_page(folder: Path, steps: list[Step]) -> None:
    held = [step for step in steps if step.held]
    best = max((step.requests_per_second for step in held), default=0.0)
    result = {
        "objectives": f"p95 <= {P95_SECONDS:g} s, errors <= {ERRORS:.0%}",
        "highest_step_held": max((step.users for step in held), default=0),
        "requests_per_second_held": best,
        "saturates": not steps[-1].held,
    }
    rows = [{name: value for name, value in asdict(step).items() if name != "routes"} for step in steps]
    routes = {str(step.users): [asdict(route) for route in step.routes] for step in steps}
    write_page(folder, "Web capacity", result, rows, more={"routes": routes})


def _route(entry: dict[str, Any]) -> Route:
    p50, p95, p99 = _percentiles([entry])
    return Route(
        name=entry["name"], requests=entry["num_requests"], failures=entry["num_failures"], p50=p50, p95=p95, p99=p99
    )


def _percentiles(entries: list[dict[str, Any]]) -> tuple[float, float, float]:
    counts: dict[float, int] = {}
    for entry in entries:
        for milliseconds, count in entry["response_times"].items():
            counts[float(milliseconds)] = counts.get(float(milliseconds), 0) + count
    return at(counts, 0.5), at(counts, 0.95), at(counts, 0.99)


def at(counts: dict[float, int], share: float) -> float:
    """Seconds within which that share of the requests was answered."""
    left = share * sum(counts.values())
    for milliseconds in sorted(counts):
        left -= counts[milliseconds]
        if left <= 0:
            return milliseconds / 1000
    return 0.0
