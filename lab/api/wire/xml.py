"""The query protocols, outbound: a response → XML, by the model's output shape (aws-facts §10.1)."""

import base64
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

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
