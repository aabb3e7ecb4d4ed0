"""Objects made of the `kubernetes` client's own models: every field that its types name, with values that the server
takes.

`made(kind)` fills a model as its `openapi_types` say. What does not go together (two sources of one volume) the server
says itself: `settled` asks it with a dry run, takes the fields out that it objects to, or gives them a value that it
names as supported, until it is content. What cannot be found so stands in `SAMPLES`.
"""

import base64
import difflib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from kubernetes.client import models
from kubernetes.client.exceptions import ApiException

from apiserver.kinds.kind import Kind
from apiserver.schema.schema import Schema

Object = dict[str, Any]

NAMESPACE = "round-trips"
TRIES = 80
DEEPEST = 14

# What a scalar says, by the format that our schema gives it; its type where there is none.
VALUES: Object = {
    "string": "a",
    "integer": 1,
    "int32": 1,
    "int64": 1,
    "number": 1.5,
    "double": 1.5,
    "boolean": True,
    "byte": "YQ==",
    "date-time": "2026-01-02T03:04:05Z",
    "micro-time": "2026-01-02T03:04:05.000006Z",
    "quantity": "1",
    "int-or-string": 1,
    "object": {},
    "": 1,
}
# Fields by their names, where "a" would be none.
NAMED: Object = {
    "apiVersion": "v1",
    "cidr": "10.0.0.0/8",
    "cidrs": ["10.0.0.0/8"],
    "clusterIP": "None",
    "ip": "10.1.2.3",
    "image": "example.org/a:1",
    "mountPath": "/a",
    "path": "/a",
    "port": 80,
    "schedule": "5 4 * * *",
    "timeZone": "Europe/Berlin",
    "effect": "NoSchedule",
    "loadBalancerSourceRanges": ["10.0.0.0/8"],
    "hard": {"pods": "1"},
    "limits": {"cpu": "1"},
    "operator": "In",
    "requests": {"cpu": "1"},
    "topologyKey": "kubernetes.io/hostname",
    "used": {"pods": "1"},
    "url": "https://example.org/a",
}
# What names something that would have to exist, and what is taken only beside, or only without, another field.
ABSENT = {
    "hostPID",
    "hostProcess",
    "overhead",
    "tolerationSeconds",
    "windowsOptions",
    "priority",
    "priorityClassName",
    "preemptionPolicy",
    "runtimeClassName",
    "serviceAccount",
    "serviceAccountName",
    "stopSignal",
}

SELECTED: Object = {"spec": {"template": {"metadata": {"labels": {"a": "a"}}, "spec": {"restartPolicy": "Always"}}}}
CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "a"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}, "limits": None}},
}
BOAT: Object = {
    "type": "object",
    "required": ["spec"],
    "properties": {"spec": {"type": "object", "properties": {"sails": {"type": "integer", "default": 1}}}},
}
MATCHED: Object = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    ],
    "excludeResourceRules": None,
}
POLICY: Object = {"matchConstraints": MATCHED, "matchConditions": None, "paramKind": None, "variables": None}


def _certificate_request() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    key = ec.generate_private_key(ec.SECP256R1())
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return base64.b64encode(signed.public_bytes(Encoding.PEM)).decode()


# What the server does not say well enough, or leaves out as Kubernetes does, laid over what is generated.
SAMPLES: dict[str, Object] = {
    "APIService": {
        "metadata": {"name": "v1.example.org"},
        "spec": {"group": "example.org", "version": "v1", "caBundle": None, "service": {"port": 443}},
    },
    "CertificateSigningRequest": {
        "spec": {
            "request": _certificate_request(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "usages": ["client auth"],
            "expirationSeconds": 3600,
            "username": None,  # who asks is not for them to say
            "uid": None,
            "groups": None,
            "extra": None,
        }
    },
    "CronJob": {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never"}}}}}},
    "CustomResourceDefinition": {
        "metadata": {"name": "boats.example.com"},
        "spec": {
            "group": "example.com",
            "conversion": {"strategy": "None", "webhook": None},
            "names": {"kind": "Boat", "listKind": "BoatList", "plural": "boats", "singular": "boat"},
            "preserveUnknownFields": None,
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": BOAT}}],
        },
    },
    "DaemonSet": SELECTED,
    "Deployment": SELECTED,
    "Event.events.k8s.io": {
        "metadata": {"namespace": NAMESPACE},
        "regarding": {"namespace": NAMESPACE},
        "series": {"count": 2},
        "type": "Normal",
        "deprecatedCount": None,
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
        "deprecatedSource": None,
    },
    "Event": {"involvedObject": {"namespace": NAMESPACE}, "metadata": {"namespace": NAMESPACE}},
    "FlowSchema": {"spec": {"priorityLevelConfiguration": {"name": "exempt"}}},
    "HorizontalPodAutoscaler": {
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"}}
    },
    "IPAddress": {"metadata": {"name": "10.1.2.3"}},
    "IngressClass": {"spec": {"controller": "example.org/a"}},
    "Job": {"spec": {"template": {"spec": {"restartPolicy": "Never"}}}},
    "Lease": {"spec": {"preferredHolder": None, "strategy": None}},
    "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "min": {"cpu": "1"}}]}},
    "PersistentVolume": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"a": None, "storage": "1Gi"},
            "claimRef": None,
            "volumeAttributesClassName": None,
        }
    },
    "MutatingAdmissionPolicy": {
        "spec": {
            **POLICY,
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}],
        }
    },
    "Node": {"spec": {"taints": None, "configSource": None}},
    "PersistentVolumeClaim": {"spec": {"dataSource": None, "dataSourceRef": {"namespace": None}, **CLAIM["spec"]}},
    "Pod": {"spec": {"automountServiceAccountToken": False, "tolerations": None}},
    "PodDisruptionBudget": {"spec": {"maxUnavailable": None}},
    "PriorityLevelConfiguration": {"spec": {"type": "Limited", "exempt": None}},
    "ReplicaSet": SELECTED,
    "ResourceSlice": {
        "spec": {
            "nodeName": "a",
            "nodeSelector": None,
            "allNodes": None,
            "perDeviceNodeSelection": None,
            "driver": "example.org",
            "devices": [{"name": "a"}],
            "sharedCounters": None,
        }
    },
    "RuntimeClass": {"overhead": {"podFixed": {"cpu": "1"}}},
    "Secret": {"stringData": None},
    "ServiceAccount": {"secrets": [{"name": "a"}]},
    "StatefulSet": {"spec": {**SELECTED["spec"], "volumeClaimTemplates": [{**CLAIM, "metadata": {"name": "claim"}}]}},
    "ValidatingAdmissionPolicy": {
        "spec": {**POLICY, "auditAnnotations": None, "validations": [{"expression": "true", "message": "a"}]}
    },
    "VolumeAttachment": {"spec": {"source": {"inlineVolumeSpec": None}}},
}


def api_of(kind: Kind) -> str:
    """The client's class of a group version: `CoreV1Api`, `RbacAuthorizationV1Api`."""
    group = kind.group.removesuffix(".k8s.io") or "core"
    return "".join(part.capitalize() for part in group.split(".")) + kind.version.capitalize()


def model_of(kind: Kind) -> type:
    """`V1Pod`; a name that two groups have carries the group's: `CoreV1Event`."""
    version = kind.version.capitalize()
    group = (kind.group.partition(".")[0] or "core").capitalize()
    found: type = getattr(models, f"{version}{kind.kind}", None) or getattr(models, f"{group}{version}{kind.kind}")
    return found


def snake(name: str) -> str:
    """`CSIStorageCapacity` is `csi_storage_capacity` in method names."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def parts(type_: str) -> tuple[str, str]:
    """(`List`, `Dict` or "", the type inside)."""
    if found := re.fullmatch(r"(List)\[(.*)\]|(Dict)\[str, (.*)\]", type_):
        return found[1] or found[3], found[2] or found[4]
    return "", type_


def filled(type_: str, schema: Schema, seen: tuple[str, ...] = ()) -> Any:
    """A JSON value of a type of `openapi_types`; None where a type would hold itself."""
    shape, inner = parts(type_)
    if shape:
        value = filled(inner, schema.items or schema.values or schema, seen)
        return None if value is None else [value] if shape == "List" else {"a": value}
    model = getattr(models, inner, None)
    if model is None:
        return VALUES[schema.format or schema.type]
    if inner in seen or len(seen) > DEEPEST:
        return None
    fields = {
        name: filled(each, schema.fields[name].schema, (*seen, inner))
        for name, each in _fields(model)
        if name not in ABSENT and name in schema.fields
    }
    plain = {name: was for name, was in fields.items() if name in NAMED and was in _PLAIN}
    fields |= {name: NAMED[name] for name, was in plain.items() if type(was) is type(NAMED[name])}
    return {name: value for name, value in fields.items() if value is not None}


_PLAIN = (1, "a", ["a"], {"a": "1"})


def _fields(model: Any) -> Iterator[tuple[str, str]]:
    """JSON names and types."""
    return ((model.attribute_map[each], type_) for each, type_ in model.openapi_types.items())


def made(kind: Kind) -> Object:
    body: Object = filled(model_of(kind).__name__, kind.schema)
    body.pop("status", None)
    meta = {"name": "a", "labels": {"label": "a"}, "annotations": {"note": "a"}}
    envelope = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}
    sample = SAMPLES.get(f"{kind.kind}.{kind.group}") or SAMPLES.get(kind.kind, {})
    return over({**body, **envelope}, sample)


def over(body: Any, sample: Any) -> Any:
    """`sample` laid over a body: lists are replaced as a whole, and what is None there is left out."""
    if not isinstance(body, dict) or not isinstance(sample, dict):
        return sample
    both = {key: over(body.get(key), sample[key]) if key in sample else body[key] for key in {**body, **sample}}
    return {key: value for key, value in both.items() if value is not None}


def settled(kind: Kind, body: Object, ask: Callable[[Object], Any]) -> Object:
    """What is left of `body` when `ask`, a dry run, has no objection more."""
    for _ in range(TRIES):
        try:
            ask(body)
            return body
        except ApiException as error:
            told = json.loads(error.body)
            if error.status != 422:
                raise AssertionError(f"{error.status}: {told['message']}") from None
        for number, cause in enumerate(told["details"]["causes"]):
            way, found = find(body, kind.schema, cause["field"])
            if found or number == 0:  # what an objection before took away is asked about anew
                mend(way, cause["field"], cause["message"])
    raise AssertionError(f"never content: {told['message']}")


Way = list[tuple[Any, Any, bool]]  # holder, key, whether the holder cannot be without it


def find(body: Object, schema: Schema, path: str) -> tuple[Way, bool]:
    """The way to a field of a message, as far as there is one, and whether that is all of it. Some messages leave out
    an index, or spell a name in words of their own: `downwarAPI`."""
    way: Way = []
    where: Any = body
    for name, index in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", path):
        if isinstance(where, list) and not index.isdigit():
            way.append((where, 0, False))
            where, schema = where[0], schema.items or schema
        key: Any = int(index) if isinstance(where, list) else name or index
        if isinstance(where, dict) and key not in where:
            near = {each.lower(): each for each in where}
            alike = difflib.get_close_matches(str(key).lower(), near, 1, 0.9)
            key = near[alike[0]] if alike else key
        if key not in (range(len(where)) if isinstance(where, list) else where if isinstance(where, dict) else ()):
            return way, False
        field = schema.fields.get(key)
        way.append((where, key, bool(field and field.required)))
        schema = field.schema if field else schema.items or schema.values or schema
        where = where[key]
    return way, True


def mend(way: Way, path: str, message: str) -> None:
    """One objection, met by another value, else by less: a required field goes with what it is a part of."""
    where = way[-1][0][way[-1][1]] if way else None
    supported = re.search(r"supported values: (.*)", message)
    if supported and isinstance(where, str):
        words = [word for word in re.findall(r'"([^"]*)"', supported[1]) if word not in (where, "")]
        if words:
            way[-1][0][way[-1][1]] = words[0]
            return
    while len(way) > 1 and (way[-1][2] or (isinstance(way[-1][0], list) and len(way[-1][0]) == 1)):
        way.pop()
    if len(way) <= 1 and (not way or way[0][1] in ("metadata", "spec")):
        raise AssertionError(f"{path}: {message}: nothing would be left")
    del way[-1][0][way[-1][1]]
    while len(way) > 1 and not way[-1][0] and not way[-2][2]:  # nothing is left of what held it
        way.pop()
        del way[-1][0][way[-1][1]]


def every_field(model: Any, schema: Schema, seen: set[str] | None = None) -> Iterator[str]:
    """The fields of a model, and of those in it, that our schema does not have: `PodSpec.evictionResponders`."""
    seen = set() if seen is None else seen
    for name, written in _fields(model):
        field = schema.fields.get(name)
        if field is None:
            yield f"{schema.name.rpartition('.')[2]}.{name}"
            continue
        inner = field.schema
        while inner.items or inner.values:
            inner = inner.items or inner.values or inner
        type_ = written
        while parts(type_)[0]:
            type_ = parts(type_)[1]
        if hasattr(models, type_) and inner.fields and type_ not in seen:
            seen.add(type_)
            yield from every_field(getattr(models, type_), inner, seen)
