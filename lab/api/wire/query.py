"""The query protocols, inbound: a form of dotted names → a request (aws-facts §10.1).

query: Filters.member.1.Name=x        lists are wrapped in `member`, unless the model calls them flattened
ec2:   Filter.1.Name=x                lists are flat, names capitalised or given as `queryName`
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from lab.core.errors import LabError

Form = Mapping[str, str]


def parse(form: Form, shape: Shape | None, *, ec2: bool) -> dict[str, Any]:
    """The request that the form holds. Raises LabError MalformedQueryString / InvalidParameterValue."""
    if shape is None:
        return {}
    request: dict[str, Any] = _value(form, "", shape, ec2)
    return request


def _value(form: Form, prefix: str, shape: Shape, ec2: bool) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(form, prefix, shape, ec2)
    if isinstance(shape, ListShape):
        return _list(form, prefix, shape, ec2)
    if isinstance(shape, MapShape):
        return _map(form, prefix, shape, ec2)
    return _scalar(form[prefix], prefix, shape.type_name)


def _structure(form: Form, prefix: str, shape: StructureShape, ec2: bool) -> dict[str, Any]:
    found = {}
    for member, inner in shape.members.items():
        name = _name(inner, member, ec2)
        if isinstance(inner, ListShape) and not ec2 and inner.serialization.get("flattened"):
            name = inner.member.serialization.get("name", name)
        path = f"{prefix}.{name}" if prefix else name
        if path in form or _below(form, path):
            found[member] = _value(form, path, inner, ec2)
    return found


def _list(form: Form, prefix: str, shape: ListShape, ec2: bool) -> list[Any]:
    flat = ec2 or shape.serialization.get("flattened")
    base = prefix if flat else f"{prefix}.{shape.member.serialization.get('name', 'member')}"
    # An empty list is sent as the bare name.
    if form.get(prefix) == "" and not _below(form, base):
        return []
    indexes = {name[len(base) + 1 :].split(".", 1)[0] for name in form if name.startswith(f"{base}.")}
    if not all(index.isdigit() for index in indexes):
        raise LabError("MalformedQueryString", f"the elements of {base} must be numbered: {base}.1, {base}.2 …")
    return [_value(form, f"{base}.{index}", shape.member, ec2) for index in sorted(indexes, key=int)]


def _map(form: Form, prefix: str, shape: MapShape, ec2: bool) -> dict[str, Any]:
    base = prefix if shape.serialization.get("flattened") else f"{prefix}.entry"
    key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")
    found, index = {}, 1
    while f"{base}.{index}.{key}" in form:
        found[form[f"{base}.{index}.{key}"]] = _value(form, f"{base}.{index}.{value}", shape.value, ec2)
        index += 1
    return found


def _scalar(text: str, name: str, kind: str) -> Any:
    try:
        match kind:
            case "integer" | "long":
                return int(text)
            case "float" | "double":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "timestamp":
                return datetime.fromisoformat(text)
            case "blob":
                return base64.b64decode(text, validate=True)
    except (ValueError, KeyError) as error:
        raise LabError(
            "InvalidParameterValue", f"Value ({text}) for parameter {name} is invalid: not a {kind}"
        ) from error
    return text


def _name(shape: Shape, member: str, ec2: bool) -> str:
    serialization = shape.serialization
    if not ec2:
        return str(serialization.get("name", member))
    if "queryName" in serialization:
        return str(serialization["queryName"])
    name = str(serialization.get("name", member))
    return name[0].upper() + name[1:]


def _below(form: Form, path: str) -> bool:
    return any(name.startswith(f"{path}.") for name in form)
