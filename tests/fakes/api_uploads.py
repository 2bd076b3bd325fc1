"""The fake's uploads, and the object store that takes their parts."""

import uuid
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.fakes.api_state import WHEN, FakeApi, problem


def signed(api: FakeApi, upload_id: str, numbers: list[int], age: int) -> list[dict[str, Any]]:
    upload = api.uploads[upload_id]
    return [
        {
            "part_number": number,
            "url": f"{api.url}/store/{upload_id}/{number}?age={age}",
            "headers": {"Content-Length": str(size_of(upload, number))},
        }
        for number in numbers
    ]


def size_of(upload: dict[str, Any], number: int) -> int:
    return min(int(upload["part_size"]), int(upload["size"]) - (number - 1) * int(upload["part_size"]))


def add_uploads(app: FastAPI, api: FakeApi) -> None:
    @app.post("/v1/uploads")
    async def create(request: Request) -> Response:
        body = await request.json()
        if body.get("preset") == "unknown":
            errors = [{"field": "preset", "message": "there is no preset unknown"}]
            return problem(400, "invalid_argument", "the request is not valid", errors)
        upload_id = str(uuid.uuid4())
        count = max(1, -(-body["size"] // api.part_size))
        upload = {"id": upload_id, "asset_id": str(uuid.uuid4()), "state": "receiving", "error": None, **body}
        api.uploads[upload_id] = upload | {"part_size": api.part_size, "part_count": count, "expires_at": WHEN}
        api.parts[upload_id] = {}
        first = list(range(1, min(count, 100) + 1))
        return JSONResponse(api.uploads[upload_id] | {"parts": signed(api, upload_id, first, age=1)}, 201)

    @app.get("/v1/uploads/{upload_id}")
    async def get(upload_id: str) -> Response:
        if upload_id not in api.uploads:
            return problem(404, "upload_not_found", "no such upload")
        return JSONResponse(api.uploads[upload_id])

    @app.post("/v1/uploads/{upload_id}/parts")
    async def sign(upload_id: str, request: Request) -> Response:
        numbers = (await request.json())["part_numbers"]
        api.signed.append(numbers)
        return JSONResponse({"parts": signed(api, upload_id, numbers, age=0)})

    @app.get("/v1/uploads/{upload_id}/parts")
    async def received(upload_id: str) -> Response:
        there = sorted(api.parts[upload_id].items())
        parts = [{"part_number": number, "etag": "e", "size": len(body)} for number, body in there]
        return JSONResponse({"parts": parts})

    @app.post("/v1/uploads/{upload_id}/complete")
    async def complete(upload_id: str) -> Response:
        upload = api.uploads[upload_id]
        if len(api.parts[upload_id]) != upload["part_count"]:
            return problem(409, "parts_missing", "parts not received yet")
        upload["state"] = "failed" if api.upload_failure else "completed"
        upload["error"] = api.upload_failure
        if not api.upload_failure:
            begin(api, upload)
        return JSONResponse(upload, 202, {"Location": f"/v1/assets/{upload['asset_id']}"})


def begin(api: FakeApi, upload: dict[str, Any]) -> None:
    asset = {"id": upload["asset_id"], "kind": "video", "state": "processing", "playable": False, "media": None}
    api.assets[asset["id"]] = asset | {
        "file_name": upload["file_name"],
        "size": upload["size"],
        "labels": upload.get("labels", {}),
        "error": None,
        "outputs": [],
        "create_time": WHEN,
    }
    job = {"id": str(uuid.uuid4()), "asset_id": asset["id"], "state": "running", "progress": 0.0, "error": None}
    api.jobs[asset["id"]] = job | {"preset": "default", "create_time": WHEN}


def add_store(app: FastAPI, api: FakeApi) -> None:
    @app.put("/store/{upload_id}/{number}")
    async def put(upload_id: str, number: int, age: int, request: Request) -> Response:
        body = b"".join([chunk async for chunk in request.stream()])
        api.puts[number] += 1
        if age and api.first_urls_expired:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        if api.part_failures.get(number):
            return Response("<Error/>", api.part_failures[number].pop(0), media_type="application/xml")
        if len(body) != size_of(api.uploads[upload_id], number):
            return Response("<Error><Code>IncompleteBody</Code></Error>", 400, media_type="application/xml")
        api.parts[upload_id][number] = body
        return Response(headers={"ETag": '"e"'})
