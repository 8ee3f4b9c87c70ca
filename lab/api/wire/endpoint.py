"""One endpoint for every service: which protocol a request speaks, which service and operation it asks for.

| protocol | how it is known | service | operation |
|---|---|---|---|
| query, ec2 | a form with Action and Version | by Version, which differs between services | Action |
| json | header X-Amz-Target | the target's prefix | after its dot |
| rpc-v2-cbor | path /service/PREFIX/operation/NAME | PREFIX | NAME |
| rest-json, rest-xml | any other path than / | by method and path (`rest`) | likewise |
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import cbor2
from botocore.model import ListShape, Shape, StructureShape

from lab.actions.dispatch import operation_model, service_model
from lab.api.wire import query, rest, xml
from lab.core.errors import LabError

QUERY_VERSIONS = {
    "2010-05-15": "cloudformation",
    "2010-08-01": "cloudwatch",
    "2011-01-01": "autoscaling",
    "2011-06-15": "sts",
    "2014-10-31": "rds",
    "2015-12-01": "elbv2",
    "2016-11-15": "ec2",
}
TARGET_PREFIXES = {
    "CertificateManager": "acm",
    "GraniteServiceVersion20100801": "cloudwatch",
    "secretsmanager": "secretsmanager",
}

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]


def answer(
    call: Call,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    request_id: str,
    method: str = "POST",
    query: str = "",
) -> Reply:
    """Carry out an AWS request as it came, `path` and `query` as they were sent. `headers` have lower-case names. Never
    raises LabError: that is an answer too."""
    if path.startswith("/service/"):
        return _cbor(call, path, body, request_id)
    if "x-amz-target" in headers:
        return _json(call, headers, body, request_id)
    if path != "/":
        return _rest(call, (method, path, query), headers, body, request_id)
    return _query(call, body, request_id)


def _query(call: Call, body: bytes, request_id: str) -> Reply:
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    service = QUERY_VERSIONS.get(form.get("Version", ""), "")
    ec2 = service == "ec2"
    headers = {"content-type": "text/xml", "x-amzn-requestid": request_id}
    try:
        if not service:
            raise LabError(
                "MissingAction", "this is the lab's AWS endpoint: send an AWS request, with Action and Version"
            )
        operation = operation_model(service, form.get("Action", ""))
        request = query.parse(form, operation.input_shape, ec2=ec2)
        found = call(service, operation.name, request)
        return Reply(200, xml.response(operation, found, request_id, ec2=ec2), headers)
    except LabError as problem:
        namespace = str(service_model(service).metadata.get("xmlNamespace", "")) if service else ""
        return Reply(problem.status, xml.error(problem, request_id, namespace, ec2=ec2), headers)


def _json(call: Call, headers: Mapping[str, str], body: bytes, request_id: str) -> Reply:
    kind = headers.get("content-type", "application/x-amz-json-1.1")
    sent = {"content-type": kind, "x-amzn-requestid": request_id}
    prefix, _, name = headers["x-amz-target"].partition(".")
    try:
        service = _by_prefix(prefix)
        shape = operation_model(service, name).input_shape
        try:
            raw = json.loads(body or b"{}")
        except ValueError as error:
            raise LabError("SerializationException", f"the body is not JSON: {error}") from error
        found = call(service, name, _typed(raw, shape))
        return Reply(200, json.dumps(found, default=_epoch).encode(), sent)
    except LabError as problem:
        text = json.dumps({"__type": problem.code, "message": problem.message})
        return Reply(problem.status, text.encode(), {**sent, "x-amzn-errortype": problem.code})


def _cbor(call: Call, path: str, body: bytes, request_id: str) -> Reply:
    sent = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor", "x-amzn-requestid": request_id}
    _, _, prefix, _, name = [*path.split("/"), "", "", "", ""][:5]
    try:
        service = _by_prefix(prefix)
        operation_model(service, name)
        try:
            request = cbor2.loads(body) if body else {}
        except cbor2.CBORDecodeError as error:
            raise LabError("SerializationException", f"the body is not CBOR: {error}") from error
        found = call(service, name, request)
        return Reply(200, cbor2.dumps(found, datetime_as_timestamp=True, timezone=UTC), sent)
    except LabError as problem:
        return Reply(problem.status, cbor2.dumps({"__type": problem.code, "message": problem.message}), sent)


def _rest(call: Call, line: tuple[str, str, str], headers: Mapping[str, str], body: bytes, request_id: str) -> Reply:
    method, path, query_string = line
    namespace = rest.xml_namespace(path)
    sent = {"content-type": "application/json" if namespace is None else "text/xml", "x-amzn-requestid": request_id}
    try:
        route, labels = rest.find(method, path)
        request = rest.request(route, labels, query_string, headers, body)
        found = call(route.service, route.operation.name, _typed(request, route.operation.input_shape))
        if namespace is None:
            return Reply(rest.status(route), json.dumps(found, default=_epoch).encode(), sent)
        text, more = xml.rest_response(route.operation, found, namespace)
        return Reply(rest.status(route), text, {**sent, **more})
    except LabError as problem:
        if namespace is not None:
            return Reply(problem.status, xml.error(problem, request_id, namespace, ec2=False), sent)
        text = json.dumps({"message": problem.message}).encode()
        return Reply(problem.status, text, {**sent, "x-amzn-errortype": problem.code})


def _by_prefix(prefix: str) -> str:
    service = TARGET_PREFIXES.get(prefix)
    if service is None:
        raise LabError("UnknownOperationException", f"the lab has no service {prefix!r}", status=404)
    return service


def _typed(value: Any, shape: Shape | None) -> Any:
    """JSON has neither timestamps nor bytes: numbers and base64 become them where the model says so."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {key: _typed(item, shape.members.get(key)) for key, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_typed(item, shape.member) for item in value]
    if shape is not None and shape.type_name == "timestamp" and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if shape is not None and shape.type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError as error:
            raise LabError("SerializationException", f"a blob in the body is not base64: {error}") from error
    return value


def _epoch(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
