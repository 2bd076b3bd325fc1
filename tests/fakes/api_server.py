"""A small real server of the public HTTP API and of an object store, with the troubles that a client meets."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.fakes.api_state import KEY, POWERLESS_KEY, WHEN, FakeApi, matches, page, problem
from tests.fakes.api_uploads import add_store, add_uploads


def app_of(api: FakeApi) -> FastAPI:
    app = FastAPI()

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        if request.url.path.startswith("/store/"):
            api.keys_at_store += request.headers.getlist("authorization")
            return await call_next(request)  # type: ignore[no-any-return]
        api.seen.append(f"{request.method} {request.scope['path']}")
        api.idempotency_keys += request.headers.getlist("idempotency-key")
        if api.outages:
            api.outages -= 1
            return problem(503, "unavailable", "not now")
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == POWERLESS_KEY:
            return problem(403, "missing_scope", "this needs the scope uploads:write")
        if key != KEY:
            return problem(401, "invalid_token", "the token is not valid")
        return await call_next(request)  # type: ignore[no-any-return]

    add_uploads(app, api)
    add_store(app, api)
    add_assets(app, api)
    add_events(app, api)
    return app


def add_assets(app: FastAPI, api: FakeApi) -> None:
    @app.get("/v1/assets")
    async def assets(request: Request) -> Response:
        return page([each for each in api.assets.values() if matches(each, request)], request)

    @app.get("/v1/assets/{asset_id}")
    async def asset(asset_id: str) -> Response:
        api.polls_until_known -= 1
        if asset_id not in api.assets or api.polls_until_known >= 0:
            return problem(404, "asset_not_found", "no such asset")
        advance(api, api.assets[asset_id])
        return JSONResponse(api.assets[asset_id])

    @app.get("/v1/assets/{asset_id}/playback")
    async def playback(asset_id: str) -> Response:
        hls_url = api.hls_url or f"{api.url}/play/{asset_id}/master.m3u8"
        return JSONResponse({"hls_url": hls_url, "dash_url": None, "expires_at": None})

    @app.get("/v1/jobs")
    async def jobs(request: Request) -> Response:
        return page([each for each in api.jobs.values() if matches(each, request)], request)

    @app.get("/v1/jobs/{job_id}")
    async def job(job_id: str) -> Response:
        found = next((each for each in api.jobs.values() if each["id"] == job_id), None)
        return JSONResponse(found) if found else problem(404, "job_not_found", "no such job")

    @app.post("/v1/jobs/{job_id}/cancel")
    async def cancel(job_id: str) -> Response:
        found = next(each for each in api.jobs.values() if each["id"] == job_id)
        found["state"] = "cancelled"
        return JSONResponse(found)


def advance(api: FakeApi, asset: dict[str, Any]) -> None:
    """Every look at an asset brings it nearer to its end."""
    if asset["state"] != "processing":
        return
    api.polls_until_over -= 1
    job = api.jobs[asset["id"]]
    asset["playable"] = not api.failure
    job["progress"] = 0.5
    if api.polls_until_over <= 0:
        asset["state"] = "failed" if api.failure else "ready"
        asset["error"] = job["error"] = api.failure
        job["state"] = "failed" if api.failure else "succeeded"
        job["progress"] = 0.5 if api.failure else 1.0


def add_events(app: FastAPI, api: FakeApi) -> None:
    @app.get("/v1/events")
    async def events(request: Request) -> Response:
        after = request.headers.get("last-event-id", "")
        api.resumed_from.append(after)
        known = [event_id for event_id, _, _ in api.events]
        coming = api.events[known.index(after) + 1 if after in known else 0 :]
        return StreamingResponse(feed(api, coming), media_type="text/event-stream")


async def feed(api: FakeApi, coming: list[tuple[str, str, dict[str, Any]]]) -> AsyncIterator[str]:
    yield "retry: 1\n\n: heartbeat\n\n"
    for sent, (event_id, name, data) in enumerate(coming, start=1):
        body = {"type": name, "timestamp": WHEN, "data": data}
        yield f"id: {event_id}\nevent: {name}\ndata: {json.dumps(body)}\n\n"
        if sent == api.cut_after:
            yield "id: lost\ndata: half of an ev"
            raise ConnectionAbortedError


@contextmanager
def serving(api: FakeApi) -> Iterator[FakeApi]:
    """On a port of its own, until the end of the block."""
    with serving_app(app_of(api)) as api.url:
        yield api


@contextmanager
def serving_app(app: FastAPI) -> Iterator[str]:
    """Its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", ws="none", lifespan="off", loop="asyncio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join()
