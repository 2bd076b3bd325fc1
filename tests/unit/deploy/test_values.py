"""values.schema.json refuses what the templates could not make sense of."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from helm_python.errors import HelmValuesError

from tests.unit.deploy.rendered import Object, render, values_of

WRONG: dict[str, tuple[str, Any]] = {
    "a misspelt name": ("netwrokPolicy", {"enabled": False}),
    "a misspelt name inside": ("s3.endpoint", "https://s3.example.com"),
    "no public URL": ("publicUrl", ""),
    "a public URL with a path": ("publicUrl", "https://video.example.com/api"),
    "an S3 endpoint without a scheme": ("s3.endpointUrl", "s3.example.com"),
    "a number as text": ("keda.maxReplicas", "50"),
    "no workers at all": ("keda.maxReplicas", 0),
    "two copies of a stream": ("nats.replicas", 2),
    "a monitoring endpoint with a scheme": ("nats.monitoring", "http://nats:8222"),
    "a root user": ("securityContext.runAsUser", 0),
    "a service without a limit": ("services.upload.resources.limits.memory", None),
    "a call to whom there is not": ("services.upload.calls", ["nobody"]),
    "a lower-case variable": ("services.upload.env", {"log_level": "debug"}),
    "a variable that is no scalar": ("env", {"TRUSTED_PROXIES": ["10.0.0.0/8"]}),
    "a quantity that is none": ("services.worker.scratch.sizeLimit", "5 GB"),
    "a grace too short to drain": ("services.gateway.gracePeriodSeconds", 5),
    "a route to nowhere": ("httpRoute", {"enabled": True, "parentRefs": []}),
    "an ingress without a host": ("ingress", {"enabled": True}),
    "more traces than there are": ("otel.ratio", 10),
    "a secret's text where its name belongs": ("secrets.s3", "AKIA/secret"),
}


@pytest.mark.parametrize(("path", "value"), WRONG.values(), ids=WRONG.keys())
def test_a_value_that_cannot_be_is_refused(path: str, value: Any) -> None:
    with pytest.raises(HelmValuesError):
        render(_changed(values_of("r2"), path, value))


def test_the_defaults_alone_are_not_enough() -> None:
    with pytest.raises(HelmValuesError, match="publicUrl"):
        render({})


def _changed(values: Object, path: str, value: Any) -> Object:
    changed = deepcopy(values)
    *folders, name = path.split(".")
    at = changed
    for folder in folders:
        at = at.setdefault(folder, {})
    at[name] = value
    return changed
