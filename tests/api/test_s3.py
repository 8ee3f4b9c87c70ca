"""S3 on the wire: through boto3 over a socket, and by hand where boto3 would not do such a thing."""

import asyncio
import base64
import hashlib
import io
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
import pytest_asyncio
from botocore.exceptions import ClientError
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum, Sha1Checksum, Sha256Checksum

from lab.api.app import MAX_OBJECT
from lab.api.s3 import is_meant
from lab.core.elbv2.model import LoadBalancer, Node
from tests.api.client import Answer, Client
from tests.api.served import boto_client, serving
from tests.control.lab import Lab

SIGNED = "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest_asyncio.fixture
async def s3(lab: Lab) -> AsyncIterator[Any]:
    async with serving(lab) as port:
        boto = await asyncio.to_thread(boto_client, port)
        yield boto
        boto.close()


def refusal(act: Any, **members: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        act(**members)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


async def test_what_boto3_does(s3: Any) -> None:
    """All operations, each as the SDK sends it: a body in one piece, from a file, and one of unknown length."""
    await asyncio.to_thread(_buckets, s3)
    await asyncio.to_thread(_objects, s3)
    await asyncio.to_thread(_listings, s3)


def _buckets(s3: Any) -> None:
    assert s3.list_buckets()["Buckets"] == []
    s3.create_bucket(Bucket="logs")
    s3.create_bucket(Bucket="logs")
    assert [row["Name"] for row in s3.list_buckets()["Buckets"]] == ["logs"]
    assert s3.head_bucket(Bucket="logs")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="logs")["LocationConstraint"] is None
    assert refusal(s3.head_bucket, Bucket="none") == ("404", 404)
    assert refusal(s3.create_bucket, Bucket="lab") == ("InvalidBucketName", 400)
    elsewhere = {"LocationConstraint": "eu-west-1"}
    assert refusal(s3.create_bucket, Bucket="europe", CreateBucketConfiguration=elsewhere) == (
        "IllegalLocationConstraintException", 400,
    )  # fmt: skip
    assert refusal(s3.get_bucket_policy, Bucket="logs") == ("NoSuchBucketPolicy", 404)
    assert refusal(s3.put_bucket_policy, Bucket="logs", Policy="nonsense") == ("MalformedPolicy", 400)
    s3.put_bucket_policy(Bucket="logs", Policy='{"Version": "2012-10-17", "Statement": []}')
    assert s3.get_bucket_policy(Bucket="logs")["Policy"] == '{"Version": "2012-10-17", "Statement": []}'
    s3.delete_bucket_policy(Bucket="logs")
    assert refusal(s3.get_bucket_policy, Bucket="logs") == ("NoSuchBucketPolicy", 404)
    assert refusal(s3.get_bucket_acl, Bucket="logs") == ("NotImplemented", 501)


def _objects(s3: Any) -> None:
    assert refusal(s3.put_object, Bucket="none", Key="a", Body=b"x") == ("NoSuchBucket", 404)
    assert refusal(s3.get_object, Bucket="logs", Key="a") == ("NoSuchKey", 404)
    assert refusal(s3.head_object, Bucket="logs", Key="a") == ("404", 404)
    body = bytes(range(256)) * 1000
    put = s3.put_object(Bucket="logs", Key="dir/a b+é.gz", Body=body)
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket="logs", Key="dir/a b+é.gz")
    assert (got["Body"].read(), got["ContentLength"], got["ETag"]) == (body, len(body), put["ETag"])
    head = s3.head_object(Bucket="logs", Key="dir/a b+é.gz")
    assert (head["ContentLength"], head["LastModified"]) == (len(body), got["LastModified"])
    part = s3.get_object(Bucket="logs", Key="dir/a b+é.gz", Range="bytes=10-19")
    assert (part["Body"].read(), part["ContentRange"]) == (body[10:20], f"bytes 10-19/{len(body)}")
    assert refusal(s3.get_object, Bucket="logs", Key="dir/a b+é.gz", Range="bytes=999999-") == ("InvalidRange", 416)
    s3.upload_fileobj(io.BytesIO(body), "logs", "uploaded")
    target = io.BytesIO()
    s3.download_fileobj("logs", "uploaded", target)
    assert target.getvalue() == body
    s3.put_object(Bucket="logs", Key="summed", Body=b"x", ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket="logs", Key="empty", Body=b"")
    assert s3.get_object(Bucket="logs", Key="empty")["Body"].read() == b""
    assert refusal(s3.put_object, Bucket="logs", Key="dir/", Body=b"") == ("InvalidArgument", 400)
    assert refusal(s3.copy_object, Bucket="logs", Key="b", CopySource="logs/empty") == ("NotImplemented", 501)
    assert refusal(s3.delete_bucket, Bucket="logs") == ("BucketNotEmpty", 409)
    for key in ("dir/a b+é.gz", "uploaded", "summed", "empty", "never was"):
        s3.delete_object(Bucket="logs", Key=key)
    s3.delete_bucket(Bucket="logs")
    assert refusal(s3.delete_bucket, Bucket="logs") == ("NoSuchBucket", 404)


def _listings(s3: Any) -> None:
    s3.create_bucket(Bucket="many")
    keys = sorted(f"{folder}/k é+{number}" for folder in "ab" for number in range(7))
    for key in keys:
        s3.put_object(Bucket="many", Key=key, Body=b"12345")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="many", PaginationConfig={"PageSize": 3}))
    assert [row["Key"] for page in pages for row in page["Contents"]] == keys
    assert [page["KeyCount"] for page in pages] == [3, 3, 3, 3, 2]
    old = list(s3.get_paginator("list_objects").paginate(Bucket="many", PaginationConfig={"PageSize": 4}))
    assert [row["Key"] for page in old for row in page["Contents"]] == keys
    first = s3.list_objects_v2(Bucket="many", MaxKeys=1)["Contents"][0]
    assert (first["Size"], first["ETag"], first["StorageClass"]) == (
        5,
        f'"{hashlib.md5(b"12345").hexdigest()}"',
        "STANDARD",
    )
    folders = s3.list_objects_v2(Bucket="many", Delimiter="/")
    assert [row["Prefix"] for row in folders["CommonPrefixes"]] == ["a/", "b/"]
    assert "Contents" not in folders
    inside = s3.list_objects_v2(Bucket="many", Delimiter="/", Prefix="b/", StartAfter=keys[-2])
    assert [row["Key"] for row in inside["Contents"]] == keys[-1:]
    one_by_one = s3.get_paginator("list_objects").paginate(
        Bucket="many", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    assert [row["Prefix"] for page in one_by_one for row in page["CommonPrefixes"]] == ["a/", "b/"]
    assert refusal(s3.list_objects_v2, Bucket="none") == ("NoSuchBucket", 404)
    assert refusal(s3.list_objects_v2, Bucket="many", ContinuationToken="é") == ("InvalidArgument", 400)


# By hand.


def code(answer: Answer) -> str:
    return str(fromstring(answer.body).findtext("Code"))


@pytest.mark.parametrize(
    ("path", "authorization", "query", "meant"),
    [
        ("/", "", "", False),
        ("/", SIGNED.format("s3"), "", True),
        ("/", SIGNED.format("ec2"), "", False),
        ("/", "", "X-Amz-Credential=lab%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", True),
        ("/logs", "", "", True),
        ("/logs/a", SIGNED.format("s3"), "", True),
        ("/zonalshifts", SIGNED.format("arc-zonal-shift"), "", False),
        ("/lab", "", "", False),
        ("/lab/nowhere", "", "", False),
        ("/service/x", "", "", False),
        ("/labels", "", "", True),
    ],
)
def test_whose_request_it_is(path: str, authorization: str, query: str, meant: bool) -> None:
    assert is_meant(path, {"authorization": authorization} if authorization else {}, query) is meant


async def test_the_root_is_the_labs_own_unless_it_is_signed_for_s3(client: Client) -> None:
    assert (await client.get("/")).json["lab"] == "asg-lab"
    listing = await client.get("/?x-id=ListBuckets", authorization=SIGNED.format("s3"))
    assert b"ListAllMyBucketsResult" in listing.body


async def test_the_labs_own_paths_are_no_buckets(client: Client) -> None:
    for method, path in (("GET", "/lab/nowhere"), ("PUT", "/lab"), ("GET", "/service/x"), ("PUT", "/lab/logs")):
        answer = await client.ask(method, path, b"", {})
        assert (answer.status, answer.error) == (404, "NotFound")


async def test_strangers_are_kept_out_of_buckets_too(client: Client, lab: Lab) -> None:
    lab.buckets.create("logs")
    lab.buckets.put("logs", "a", b"x")
    assert (await client.get("/logs/a")).body == b"x"
    assert (await client.get("/logs/a", host="evil.example")).status == 403
    assert (await client.get("/logs/a", origin="http://evil.example")).status == 403
    assert (await client.get("/logs/a", host="control:4566")).status == 403


async def test_errors_are_awss_documents(client: Client) -> None:
    answer = await client.get("/logs/a")
    root = fromstring(answer.body)
    assert [child.tag for child in root] == ["Code", "Message", "Resource", "RequestId"]
    assert (root.findtext("Resource"), root.findtext("RequestId")) == ("/logs/a", answer.headers["x-amz-request-id"])
    head = await client.ask("HEAD", "/logs/a", b"", {})
    assert (head.status, head.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "path", "status", "expected"),
    [
        ("GET", "/logs?acl", 501, "NotImplemented"),
        ("POST", "/logs/a?uploads", 501, "NotImplemented"),
        ("POST", "/logs?delete", 501, "NotImplemented"),
        ("GET", "/logs/a?versionId=1", 501, "NotImplemented"),
        ("GET", "/logs?max-keys=many", 400, "InvalidArgument"),
        ("GET", "/logs?max-keys=-1", 400, "InvalidArgument"),
        ("GET", "/none/a", 404, "NoSuchBucket"),
        ("DELETE", "/none/a", 404, "NoSuchBucket"),
        ("PUT", "/No", 400, "InvalidBucketName"),
        ("PUT", "/logs/../../etc/passwd", 400, "InvalidArgument"),
    ],
)
async def test_refusals(client: Client, lab: Lab, method: str, path: str, status: int, expected: str) -> None:
    lab.buckets.create("logs")
    answer = await client.ask(method, path, b"", {})
    assert (answer.status, code(answer)) == (status, expected)


CRC = base64.b64encode(zlib.crc32(b"hello world").to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    ("body", "more", "expected"),
    [
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", {}, ""),
        (b"b;chunk-signature=00ff\r\nhello world\r\n0;chunk-signature=00\r\n\r\n", {}, ""),
        (b"B\r\nhello world\r\n0\r\nx-amz-checksum-crc32:%b\r\n\r\n" % CRC.encode(), {}, ""),
        (b"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", {}, "BadDigest"),
        (b"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:?\r\n\r\n", {}, "InvalidDigest"),
        (b"b\r\nhello world\r\n0\r\n\r\n", {"x-amz-decoded-content-length": "12"}, "IncompleteBody"),
        (b"b\r\nhello wor", {}, "IncompleteBody"),
        (b"b\r\nhello world\r\n", {}, "IncompleteBody"),
        (b"-1\r\nhello", {}, "IncompleteBody"),
        (b"hello world", {}, "IncompleteBody"),
        (b"", {}, "IncompleteBody"),
    ],
)
async def test_bodies_in_chunks(client: Client, lab: Lab, body: bytes, more: dict[str, str], expected: str) -> None:
    lab.buckets.create("logs")
    headers = {"content-encoding": "aws-chunked", "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", **more}
    answer = await client.ask("PUT", "/logs/a", body, headers)
    assert lab.buckets.get("logs", "a") == (None if expected else b"hello world")
    assert (answer.status, code(answer) if expected else "") == (400 if expected else 200, expected)


@pytest.mark.parametrize("algorithm", [Crc32Checksum, Sha1Checksum, Sha256Checksum])
@pytest.mark.parametrize("broken", [False, True])
async def test_bodies_as_an_sdk_wraps_them(client: Client, lab: Lab, algorithm: Any, broken: bool) -> None:
    """botocore's own wrapping, which it uses over TLS."""
    lab.buckets.create("logs")
    body, name = bytes(range(256)) * 100, f"x-amz-checksum-{algorithm.__name__.removesuffix('Checksum').lower()}"
    wrapped = AwsChunkedWrapper(io.BytesIO(body), checksum_cls=algorithm, checksum_name=name, chunk_size=1000).read()
    if broken:
        wrapped = wrapped.replace(b"\x07\x08\x09", b"\x07\x08\x08", 1)
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body)), "x-amz-trailer": name}
    answer = await client.ask("PUT", "/logs/a", wrapped, headers)
    assert answer.status == (400 if broken else 200)
    assert lab.buckets.get("logs", "a") == (None if broken else body)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [("XrY7u+Ae7tCTyyK7j1rNww==", ""), ("XrY7u+Ae7tCTyyK7j1rNwA==", "BadDigest"), ("é", "InvalidDigest")],
)
async def test_a_digest_is_checked(client: Client, lab: Lab, digest: str, expected: str) -> None:
    lab.buckets.create("logs")
    answer = await client.ask("PUT", "/logs/a", b"hello world", {"content-md5": digest})
    assert (code(answer) if expected else "") == expected
    assert lab.buckets.get("logs", "a") == (None if expected else b"hello world")


async def test_a_body_without_a_length_is_bounded_too(client: Client, lab: Lab) -> None:
    lab.buckets.create("logs")
    answer = await client.ask("PUT", "/logs/a", bytes(MAX_OBJECT + 1), {"content-length": ""})
    assert (answer.status, answer.error, lab.buckets.keys("logs")) == (413, "EntityTooLarge", [])


# Log files of nodes.


@pytest_asyncio.fixture
async def node(lab: Lab) -> Node:
    lab.create_stack()
    await lab.up()
    return lab.store.all(LoadBalancer)[0].nodes[0]


def log_to(lab: Lab, **attributes: str) -> None:
    """As ModifyLoadBalancerAttributes leaves the row."""
    [balancer] = lab.store.all(LoadBalancer)
    changes = {name.replace("__", ".s3."): value for name, value in attributes.items()}
    lab.store.put(replace(balancer, attributes={**balancer.attributes, **changes}))


KEY = "shop/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/01/01/x.log.gz"


async def test_a_node_delivers_where_its_load_balancer_logs_to(client: Client, lab: Lab, node: Node) -> None:
    log_to(lab, access_logs__bucket="logs", access_logs__prefix="shop")
    lab.world.context(0.0).prepare_log_bucket("logs", "shop")
    assert lab.buckets.keys("logs") == ["shop/AWSLogs/123456789012/ELBAccessLogTestFile"]
    path, headers = f"/lab/nodes/{node.node_id}/logs/logs/{KEY}", {"authorization": f"Bearer {node.token}"}
    answer = await client.ask("PUT", path, b"packed", {**headers, "host": "control:4566"})
    assert (answer.status, answer.body) == (204, b"")
    assert lab.buckets.get("logs", KEY) == b"packed"
    assert lab.world.context(0.0).bucket_object("logs", KEY) == b"packed"


@pytest.mark.parametrize(
    ("bucket", "key", "token", "status"),
    [
        ("logs", KEY, "wrong", 403),
        ("other", KEY, "", 403),
        ("logs", KEY.removeprefix("shop/"), "", 403),
        ("logs", "shop/../../x", "", 403),
        ("logs", "shop/AWSLogs/123456789012/../x", "", 400),
        ("logs", "shop/AWSLogs/999999999999/x", "", 403),
        ("logs", "", "", 403),
    ],
)
async def test_a_node_delivers_nowhere_else(
    client: Client, lab: Lab, node: Node, bucket: str, key: str, token: str, status: int
) -> None:
    log_to(lab, access_logs__bucket="logs", access_logs__prefix="shop")
    lab.buckets.create("logs")
    lab.buckets.create("other")
    headers = {"authorization": f"Bearer {token or node.token}"}
    answer = await client.ask("PUT", f"/lab/nodes/{node.node_id}/logs/{bucket}/{key}", b"x", headers)
    assert answer.status == status
    assert lab.buckets.keys("logs") + lab.buckets.keys("other") == []


async def test_a_bucket_that_is_gone(client: Client, lab: Lab, node: Node) -> None:
    log_to(lab, connection_logs__bucket="gone")
    path = f"/lab/nodes/{node.node_id}/logs/gone/{KEY.removeprefix('shop/')}"
    answer = await client.ask("PUT", path, b"x", {"authorization": f"Bearer {node.token}"})
    assert (answer.status, answer.error) == (404, "NoSuchBucket")
