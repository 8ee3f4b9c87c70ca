"""The REST protocols: an operation is a method and a path, members stand in path, query, header and body.

Which member stands where, the model says (`location`); one without a location is a member of the body, which is JSON or XML by
the service's protocol.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from lab.actions.dispatch import service_model
from lab.api.wire import xml
from lab.core.errors import LabError

SERVICES = ("arc-zonal-shift", "route53")
XML_NAMESPACES = {"/2013-04-01/": "https://route53.amazonaws.com/doc/2013-04-01/"}
"""By what the paths of a service that speaks XML begin with, Route 53's version; the models do not say it for answers."""
PARAMETER = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """`pattern` matches the path as it was sent, and has a group for each member in it; `protocol` is rest-json or rest-xml."""

    service: str
    operation: OperationModel
    method: str
    pattern: re.Pattern[str]
    protocol: str


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The operation that a request is for, and the members in its path. Raises UnknownOperationException."""
    for route in _routes():
        found = route.pattern.fullmatch(path)
        if route.method == method and found is not None:
            return route, {name: unquote(text) for name, text in found.groupdict().items()}
    raise LabError("UnknownOperationException", f"the lab has no operation {method} {path}", status=404)


def request(
    route: Route, labels: Mapping[str, str], query: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """The members of the request, wherever they stand. `headers` have lower-case names. Raises SerializationException, or
    MalformedInput for XML."""
    shape = route.operation.input_shape
    if shape is None:
        return {}
    given = parse_qs(query, keep_blank_values=True)
    sent = xml.members(body, shape) if route.protocol == "rest-xml" else _json(body)
    found: dict[str, Any] = {}
    for member, inner in shape.members.items():
        name = inner.serialization.get("name", member)
        match inner.serialization.get("location"):
            case None:
                if name in sent:
                    found[member] = sent[name]
            case "uri":
                found[member] = _scalar(labels[name], inner)
            case "querystring":
                if name in given:
                    found[member] = _values(given[name], inner)
            case "header":
                if name.lower() in headers:
                    found[member] = _scalar(headers[name.lower()], inner)
            case other:
                raise LabError("SerializationException", f"the lab cannot read {member}: it stands in {other}")
    return found


def xml_namespace(path: str) -> str | None:
    """Of the answer to a request for the path, also of an error without a route. None where answers are JSON."""
    return next((namespace for prefix, namespace in XML_NAMESPACES.items() if path.startswith(prefix)), None)


def status(route: Route) -> int:
    """Of a successful answer."""
    return int(route.operation.http.get("responseCode", 200))


@cache
def _routes() -> tuple[Route, ...]:
    models = {service: service_model(service) for service in SERVICES}
    return tuple(
        _route(service, model.operation_model(name))
        for service, model in models.items()
        for name in model.operation_names
    )


def _route(service: str, operation: OperationModel) -> Route:
    path = operation.http["requestUri"].partition("?")[0]
    parts, end = [], 0
    for parameter in PARAMETER.finditer(path):
        inside = ".+" if parameter[2] else "[^/]+"
        parts += [re.escape(path[end : parameter.start()]), f"(?P<{parameter[1]}>{inside})"]
        end = parameter.end()
    # AWS takes a path with or without its last slash.
    pattern = re.compile("".join([*parts, re.escape(path[end:].removesuffix("/")), "/?"]))
    return Route(service, operation, operation.http["method"], pattern, operation.service_model.metadata["protocol"])


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError as error:
        raise LabError("SerializationException", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise LabError("SerializationException", "the body must be a JSON object")
    return body


def _values(texts: list[str], shape: Shape) -> Any:
    if isinstance(shape, ListShape):
        return [_scalar(text, shape.member) for text in texts]
    return _scalar(texts[-1], shape)


def _scalar(text: str, shape: Shape) -> Any:
    if isinstance(shape, StructureShape) or shape.type_name not in _SCALARS:
        raise LabError("SerializationException", f"a {shape.type_name} cannot stand outside the body")
    try:
        return _SCALARS[shape.type_name](text)
    except (ValueError, KeyError) as error:
        raise LabError("SerializationException", f"'{text}' is not a {shape.type_name}") from error


_SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": {"true": True, "false": False}.__getitem__,
}
