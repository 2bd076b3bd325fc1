"""What users of the API do: they upload, look at what became of it, list, and ask for jobs. Run by `loadtests.web`."""

from __future__ import annotations

import os
import random
from urllib.parse import urlsplit

from locust import FastHttpUser, between, events, task

SIZE = 64 << 10
BODY = os.urandom(SIZE)
LOOPBACK = "127.0.0.1"


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def only_here(environment: object, **_: object) -> None:
    """Nobody else's servers are loaded."""
    if urlsplit(str(getattr(environment, "host", ""))).hostname != LOOPBACK:
        raise SystemExit(f"load tests speak to {LOOPBACK} only")


class Caller(FastHttpUser):
    wait_time = between(0.2, 0.8)
    connection_timeout = network_timeout = 30.0

    def on_start(self) -> None:
        self.client.auth_header = f"Bearer {os.environ['REELMESH_API_KEY']}"
        self.assets: list[str] = []
        self.upload()

    @task(2)
    def upload(self) -> None:
        """Opened, sent to the store, completed."""
        file = {"file_name": "load.mp4", "size": SIZE, "content_type": "video/mp4", "labels": {"load": "test"}}
        made = self.client.post("/v1/uploads", json=file, name="POST /v1/uploads")
        if made.status_code != 201:
            return
        upload = made.json()
        url = upload["parts"][0]["url"]
        # Straight to the store, which is no part of the API: it is reported beside it.
        named = {"data": BODY, "headers": {"Authorization": ""}, "name": "store: PUT part"}
        sent = self.client.put(url, **named)  # type: ignore[arg-type]  # it takes bytes, too
        if sent.status_code != 200:
            return
        done = self.client.post(f"/v1/uploads/{upload['id']}/complete", json={}, name="POST /v1/uploads/{id}/complete")
        if done.status_code == 202:
            self.assets.append(upload["asset_id"])

    @task(4)
    def look(self) -> None:
        if self.assets:
            asset = random.choice(self.assets)
            with self.client.get(f"/v1/assets/{asset}", name="GET /v1/assets/{id}", catch_response=True) as answer:
                # An asset is made by an event, a moment after its upload completed.
                if answer.status_code == 404 and asset == self.assets[-1]:
                    answer.success()

    @task(2)
    def listed(self) -> None:
        self.client.get("/v1/assets?page_size=20", name="GET /v1/assets")

    @task(2)
    def jobs(self) -> None:
        if self.assets:
            self.client.get(f"/v1/jobs?asset_id={random.choice(self.assets)}", name="GET /v1/jobs")

    @task(1)
    def ask(self) -> None:
        """Another job for what was uploaded longer ago."""
        if len(self.assets) > 1:
            wanted = {"asset_id": random.choice(self.assets[:-1]), "preset": "hls"}
            self.client.post("/v1/jobs", json=wanted, name="POST /v1/jobs")
