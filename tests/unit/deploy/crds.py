"""What the chart may say to other people's operators: JSON schemas of the fields that it uses, and no others."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
NAMED: Schema = {"type": "object", "additionalProperties": False, "properties": {"name": TEXT}, "required": ["name"]}
OBJECT: Schema = {"type": "object"}


def _object(**properties: Schema) -> Schema:
    """All of them needed; a name that ends with _ is not."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    needed = [name for name in properties if not name.endswith("_")]
    return {"type": "object", "additionalProperties": False, "properties": named, "required": needed}


def _list(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": items}


_POLICIES = _list(_object(type={"enum": ["Percent", "Pods"]}, value=NUMBER, periodSeconds=NUMBER))
_WAY = _object(stabilizationWindowSeconds=NUMBER, policies=_POLICIES)

SPECS: dict[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        scaleTargetRef=NAMED,
        minReplicaCount=NUMBER,
        maxReplicaCount=NUMBER,
        pollingInterval=NUMBER,
        cooldownPeriod=NUMBER,
        advanced=_object(horizontalPodAutoscalerConfig=_object(behavior=_object(scaleUp=_WAY, scaleDown=_WAY))),
        # KEDA takes every value of a trigger as text.
        triggers=_list(_object(type=TEXT, metadata={"type": "object", "additionalProperties": TEXT})),
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _object(
        parentRefs=_list(_object(name=TEXT, namespace_=TEXT, sectionName_=TEXT)),
        hostnames_=_list(TEXT),
        rules=_list(
            _object(
                matches=_list(_object(path=_object(type={"enum": ["PathPrefix", "Exact"]}, value=TEXT))),
                timeouts=_object(request={"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}),
                backendRefs=_list(_object(name=TEXT, port=NUMBER)),
            )
        ),
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): _object(
        instances=NUMBER,
        imageName_=TEXT,
        storage=_object(size=TEXT, storageClass_=TEXT),
        resources=OBJECT,
        bootstrap=_object(initdb=_object(database=TEXT, owner=TEXT, postInitApplicationSQL=_list(TEXT))),
        managed=_object(
            roles=_list(_object(name=TEXT, ensure={"enum": ["present", "absent"]}, login=BOOLEAN, passwordSecret=NAMED))
        ),
    ),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): _object(
        jobLabel_=TEXT,
        selector=OBJECT,
        endpoints=_list(_object(port=TEXT, interval=TEXT, path_=TEXT)),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(
        groups=_list(
            _object(
                name=TEXT,
                interval_=TEXT,
                rules=_list(
                    _object(
                        alert_=TEXT,
                        record_=TEXT,
                        expr={"type": ["string", "integer"]},
                        for_=TEXT,
                        keep_firing_for_=TEXT,
                        labels_=OBJECT,
                        annotations_=OBJECT,
                    )
                ),
            )
        )
    ),
}
