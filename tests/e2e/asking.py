"""Jobs as a client asks for them, and what it is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2

ENDED = {"succeeded", "failed", "cancelled"}
WITHIN = 150.0
"""Seconds, for many jobs at once on a machine that others use too."""
Job = dict[str, Any]
Output = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    http: httpx2.AsyncClient

    async def queued(self, asset_id: str, **wanted: Any) -> str:
        """The id of a new job."""
        answer = await self.http.post("/v1/jobs", json={"asset_id": asset_id, **wanted})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def own_job(self, asset_id: str) -> str:
        """The one that comes with the upload."""

        async def found() -> str:
            listed = (await self.http.get("/v1/jobs", params={"asset_id": asset_id})).json()["items"]
            return str(listed[-1]["id"]) if listed else ""

        return await eventually(found)

    async def ended(self, asset_id: str, job_ids: Sequence[str]) -> list[Job]:
        """These jobs of an asset, once all are over. Asked for together: each answer costs what the jobs need."""

        async def over() -> list[Job]:
            listed = (await self.http.get("/v1/jobs", params={"asset_id": asset_id})).json()["items"]
            jobs: dict[str, Job] = {job["id"]: job for job in listed if job["state"] in ENDED}
            assert set(job_ids) <= jobs.keys(), listed
            return [jobs[each] for each in job_ids]

        return await eventually(over, within=WITHIN, every=0.5)

    async def outputs(self, asset_id: str, jobs: Sequence[Job]) -> dict[str, dict[str, Output]]:
        """By job and name, with their addresses: once the asset knows of all that these jobs made."""
        made = {each["id"] for job in jobs if job["state"] == "succeeded" for each in job["outputs"]}

        async def known() -> list[Output]:
            answer = await self.http.get(f"/v1/assets/{asset_id}/playback")
            assert answer.status_code == 200, answer.text
            outputs: list[Output] = answer.json()["outputs"]
            assert made <= {each["id"] for each in outputs if each["state"] == "ready"}, outputs
            return outputs

        found: dict[str, dict[str, Output]] = {job["id"]: {} for job in jobs}
        for output in await eventually(known):
            found.get(output["job_id"], {})[output["name"]] = output
        return found
