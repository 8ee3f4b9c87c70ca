"""AWS's wire protocols against the other end's own code: what botocore sends is read, what is answered botocore reads."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from lab.actions.dispatch import operation_model, service_model
from lab.api.wire.endpoint import Reply, answer
from lab.core.errors import LabError
from tests.api.wire_cases import ANSWERS, REQUESTS

Call = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def protocols(service: str) -> list[str]:
    return list(service_model(service).metadata.get("protocols") or [service_model(service).metadata["protocol"]])


def cases(table: list[tuple[str, str, dict[str, Any]]]) -> list[Any]:
    return [
        pytest.param(protocol, *row, id=f"{row[1]}-{protocol}-{index}")
        for index, row in enumerate(table)
        for protocol in protocols(row[0])
    ]


def send(protocol: str, service: str, operation: str, request: dict[str, Any], call: Call) -> Reply:
    """As an SDK would send it over this protocol."""
    serializer = create_serializer(protocol, include_validation=False)
    sent = serializer.serialize_to_request(request, operation_model(service, operation))
    body = sent["body"]
    raw = urlencode(body, doseq=True).encode() if isinstance(body, dict) else body
    headers = {name.lower(): str(value) for name, value in sent["headers"].items()}
    query = urlencode(sent["query_string"], doseq=True) if sent["query_string"] else ""
    whole = raw if isinstance(raw, bytes) else raw.encode()
    return answer(call, sent["url_path"], headers, whole, "id-1", sent["method"], query)


def read(protocol: str, service: str, operation: str, reply: Reply) -> dict[str, Any]:
    """As an SDK would read it."""
    message = {"status_code": reply.status, "headers": dict(reply.headers), "body": reply.body}
    found: dict[str, Any] = create_parser(protocol).parse(message, operation_model(service, operation).output_shape)
    found.pop("ResponseMetadata", None) if reply.status < 300 else None
    return found


@pytest.mark.parametrize(("protocol", "service", "operation", "request_"), cases(REQUESTS))
def test_what_an_sdk_sends_is_read(protocol: str, service: str, operation: str, request_: dict[str, Any]) -> None:
    heard: list[tuple[str, str, dict[str, Any]]] = []

    def call(*said: Any) -> dict[str, Any]:
        heard.append(said)
        return {}

    send(protocol, service, operation, request_, call)
    assert heard == [(service, operation, request_)]


@pytest.mark.parametrize(("protocol", "service", "operation", "response"), cases(ANSWERS))
def test_what_is_answered_an_sdk_reads(protocol: str, service: str, operation: str, response: dict[str, Any]) -> None:
    reply = send(protocol, service, operation, {}, lambda *_: response)
    assert reply.status in (200, 201)
    assert read(protocol, service, operation, reply) == response


@pytest.mark.parametrize(
    ("protocol", "service", "operation"),
    [(protocol, row[0], row[1]) for row in ANSWERS for protocol in protocols(row[0])],
)
def test_an_error_arrives_with_its_code_and_message(protocol: str, service: str, operation: str) -> None:
    def call(*_: Any) -> dict[str, Any]:
        raise LabError("Some.Code", "what to do", status=404)

    reply = send(protocol, service, operation, {}, call)
    assert reply.status == 404
    error = read(protocol, service, operation, reply)["Error"]
    assert (error["Code"], error["Message"]) == ("Some.Code", "what to do")


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b"", "MissingAction"),
        ({}, b"Action=Nonsense&Version=2011-01-01", "InvalidAction"),
        ({}, b"Action=SetDesiredCapacity&Version=2011-01-01&DesiredCapacity=two", "InvalidParameterValue"),
        ({}, b"Action=DescribeVpcs&Version=2016-11-15&VpcId.x=1", "MalformedQueryString"),
        ({"x-amz-target": "secretsmanager.GetSecretValue"}, b"{", "SerializationException"),
        (
            {"x-amz-target": "CertificateManager.ImportCertificate"},
            b'{"Certificate": "no base64!", "PrivateKey": "aw=="}',
            "SerializationException",
        ),
        ({"x-amz-target": "Nonsense.Op"}, b"{}", "UnknownOperationException"),
    ],
)
def test_what_no_sdk_sends_is_refused(headers: dict[str, str], body: bytes, code: str) -> None:
    reply = answer(lambda *_: {}, "/", headers, body, "id-1")
    assert 400 <= reply.status < 500
    assert code.encode() in reply.body


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "code"),
    [
        ("GET", "/nowhere", "", b"", "UnknownOperationException"),
        ("PUT", "/zonalshifts", "", b"{}", "UnknownOperationException"),
        ("GET", "/zonalshifts/a/b", "", b"", "UnknownOperationException"),
        ("POST", "/zonalshifts", "", b"{", "SerializationException"),
        ("POST", "/zonalshifts", "", b"[]", "SerializationException"),
        ("GET", "/zonalshifts", "maxResults=many", b"", "SerializationException"),
    ],
)
def test_rest_that_makes_no_sense_is_refused(method: str, path: str, query: str, body: bytes, code: str) -> None:
    reply = answer(lambda *_: {}, path, {}, body, "id-1", method, query)
    assert 400 <= reply.status < 500
    assert reply.headers["x-amzn-errortype"] == code


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/2013-04-01/nowhere", b"", "UnknownOperationException"),
        ("DELETE", "/2013-04-01/hostedzone", b"", "UnknownOperationException"),
        ("POST", "/2013-04-01/hostedzone", b"<", "MalformedInput"),
        ("POST", "/2013-04-01/hostedzone", b"<Other/>", "MalformedInput"),
        (
            "POST",
            "/2013-04-01/hostedzone",
            b'<!DOCTYPE a [<!ENTITY b "c">]><CreateHostedZoneRequest/>',
            "MalformedInput",
        ),
        (
            "POST",
            "/2013-04-01/hostedzone",
            b"<CreateHostedZoneRequest><HostedZoneConfig><PrivateZone>maybe</PrivateZone></HostedZoneConfig>"
            b"</CreateHostedZoneRequest>",
            "MalformedInput",
        ),
    ],
)
def test_xml_that_makes_no_sense_is_refused(method: str, path: str, body: bytes, code: str) -> None:
    reply = answer(lambda *_: {}, path, {}, body, "id-1", method)
    assert 400 <= reply.status < 500
    assert f"<Code>{code}</Code>".encode() in reply.body


def test_a_path_may_end_with_a_slash_or_not() -> None:
    heard: list[str] = []

    def call(_: str, operation: str, __: dict[str, Any]) -> dict[str, Any]:
        heard.append(operation)
        return {}

    for path in ("/2013-04-01/hostedzone/Z1/rrset", "/2013-04-01/hostedzone/Z1/rrset/"):
        answer(call, path, {}, b"", "id-1", "POST")
        answer(call, path, {}, b"", "id-1", "GET")
    assert heard == ["ChangeResourceRecordSets", "ListResourceRecordSets"] * 2


def test_a_rest_answer_has_the_status_of_its_operation() -> None:
    reply = answer(lambda *_: {}, "/zonalshifts", {}, b"{}", "id-1", "POST")
    assert (reply.status, reply.body) == (201, b"{}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/service/x/operation/y", b""),
        ("/service/", b""),
        ("/service/GraniteServiceVersion20100801/operation/ListMetrics", b"\xff\xff"),
    ],
)
def test_cbor_that_makes_no_sense_is_refused(path: str, body: bytes) -> None:
    assert 400 <= answer(lambda *_: {}, path, {}, body, "id-1").status < 500
