"""XML by the shapes of the model (aws-facts §10.1): responses of the query protocols, requests and responses of rest-xml."""

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from lab.core.errors import LabError
from lab.core.times import iso_milliseconds


def response(operation: OperationModel, answer: dict[str, Any], request_id: str, *, ec2: bool) -> bytes:
    """The body of a successful answer."""
    namespace = str(operation.service_model.metadata.get("xmlNamespace", ""))
    root = Element(f"{operation.name}Response", {"xmlns": namespace})
    shape = operation.output_shape
    if ec2:
        SubElement(root, "requestId").text = request_id
        parent = root
    else:
        wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
        parent = SubElement(root, wrapper) if wrapper else root
    if shape is not None:
        _structure(parent, answer, shape)
    if not ec2:
        SubElement(SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return _document(root)


def rest_response(operation: OperationModel, answer: dict[str, Any], namespace: str) -> tuple[bytes, dict[str, str]]:
    """The body of a successful answer of rest-xml, and the headers in which members of it stand."""
    shape = operation.output_shape
    root = Element(f"{operation.name}Response", {"xmlns": namespace})
    if shape is None:
        return _document(root), {}
    headers = {
        str(inner.serialization["name"]): _text(answer[member])
        for member, inner in shape.members.items()
        if inner.serialization.get("location") == "header" and member in answer
    }
    inside = {
        member: value for member, value in answer.items() if "location" not in shape.members[member].serialization
    }
    _structure(root, inside, shape)
    return _document(root), headers


def members(body: bytes, shape: StructureShape) -> dict[str, Any]:
    """What stands in the body of a rest-xml request, by the names of the elements. Raises MalformedInput."""
    if not body:
        return {}
    if b"<!DOCTYPE" in body:
        raise _malformed("a request has no document type")
    try:
        root = fromstring(body)
    except ParseError as error:
        raise _malformed(str(error)) from error
    wanted = str(shape.serialization.get("name", shape.name))
    if _local(root) != wanted:
        raise _malformed(f"the outermost element must be {wanted}, not {_local(root)}")
    return _read_structure(root, shape)


def error(problem: LabError, request_id: str, namespace: str, *, ec2: bool) -> bytes:
    """The body of a failure, in the form of the protocol."""
    root = Element("Response") if ec2 else Element("ErrorResponse", {"xmlns": namespace})
    detail = SubElement(SubElement(root, "Errors") if ec2 else root, "Error")
    if not ec2:
        SubElement(detail, "Type").text = "Sender" if problem.status < 500 else "Receiver"
    SubElement(detail, "Code").text = problem.code
    SubElement(detail, "Message").text = problem.message
    SubElement(root, "RequestID" if ec2 else "RequestId").text = request_id
    return _document(root)


def _document(root: Element) -> bytes:
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _structure(parent: Element, value: dict[str, Any], shape: Shape) -> None:
    assert isinstance(shape, StructureShape)
    for member, inner in shape.members.items():
        if value.get(member) is not None:
            _member(parent, str(inner.serialization.get("name", member)), value[member], inner)


def _member(parent: Element, name: str, value: Any, shape: Shape) -> None:
    if isinstance(shape, StructureShape):
        _structure(SubElement(parent, name), value, shape)
    elif isinstance(shape, ListShape):
        flat = shape.serialization.get("flattened")
        holder = parent if flat else SubElement(parent, name)
        inner = shape.member.serialization.get("name", name if flat else "member")
        for item in value:
            _member(holder, inner, item, shape.member)
    elif isinstance(shape, MapShape):
        holder = SubElement(parent, name)
        for key, item in value.items():
            entry = SubElement(holder, "entry")
            SubElement(entry, shape.key.serialization.get("name", "key")).text = str(key)
            _member(entry, shape.value.serialization.get("name", "value"), item, shape.value)
    else:
        SubElement(parent, name).text = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return iso_milliseconds(value.timestamp())
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


# Inbound.


def _malformed(what: str) -> LabError:
    return LabError("MalformedInput", f"the body cannot be read: {what}")


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _named(element: Element, name: str) -> Iterable[Element]:
    return (child for child in element if _local(child) == name)


def _read_structure(element: Element, shape: StructureShape) -> dict[str, Any]:
    found = {}
    for member, inner in shape.members.items():
        name = str(inner.serialization.get("name", member))
        if "location" not in inner.serialization:
            for child in _named(element, name):
                found[member] = _read(child, inner)
    return found


def _read(element: Element, shape: Shape) -> Any:
    if isinstance(shape, StructureShape):
        return _read_structure(element, shape)
    if isinstance(shape, ListShape):
        name = str(shape.member.serialization.get("name", "member"))
        return [_read(child, shape.member) for child in _named(element, name)]
    text = element.text or ""
    try:
        return _SCALARS[shape.type_name](text)
    except (ValueError, KeyError) as error:
        raise _malformed(f"'{text}' in {_local(element)} is not a {shape.type_name}") from error


_SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": {"true": True, "false": False}.__getitem__,
}
"""What Route 53's requests are made of."""
