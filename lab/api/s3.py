"""S3 on the wire, path style: as much as `aws s3 ls` and `cp`, SDKs and query engines need to read the load balancers' logs.

| request | operation |
|---|---|
| GET / | ListBuckets |
| PUT, HEAD, DELETE, GET /BUCKET | CreateBucket, HeadBucket, DeleteBucket, ListObjects (V2 with list-type=2) |
| GET /BUCKET?location; GET, PUT, DELETE /BUCKET?policy | GetBucketLocation; Get-, Put-, DeleteBucketPolicy |
| PUT, HEAD, GET, DELETE /BUCKET/KEY | PutObject, HeadObject, GetObject with Range, DeleteObject |

Anything else is NotImplemented. Nobody's signature is checked, and policies are kept but not enforced. S3 shares its port with
the lab's own paths and with AWS's other services: a request is S3's by `is_meant`.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import parse_qsl, quote
from xml.etree.ElementTree import Element, SubElement, tostring

from lab.api.s3_body import content
from lab.api.wire.endpoint import Reply
from lab.control.ports import Buckets
from lab.core.buckets import PAGE, RESERVED, byte_range, page
from lab.core.errors import LabError, Unavailable
from lab.core.times import iso_milliseconds

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_CREDENTIAL = re.compile(r"[^/,\s]+/\d{8}/[^/,\s]*/([^/,\s]+)/aws4_request")
_LOCATION = re.compile(rb"<LocationConstraint[^>]*>([^<]*)<")
_SUBRESOURCES = ("location", "policy", "list-type")
_UNDERSTOOD = {
    "x-id", "prefix", "delimiter", "marker", "max-keys", "continuation-token", "start-after", "encoding-type", "fetch-owner",
    *_SUBRESOURCES,
}  # fmt: skip


def is_meant(path: str, headers: Mapping[str, str], query: str) -> bool:
    """Whether a request is for S3. One that is signed says for which service it is; one that is not, is for S3 if its path
    is none of the lab's own. `headers` have lower-case names."""
    credential = headers.get("authorization", "") or dict(parse_qsl(query)).get("X-Amz-Credential", "")
    found = _CREDENTIAL.search(credential)
    if found is not None:
        return found[1] == "s3"
    return path != "/" and path.split("/")[1] not in RESERVED


@dataclass(frozen=True, slots=True)
class Call:
    """A request, taken apart. `bucket` and `key` are "" where the path has none."""

    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class S3:
    """`answer` blocks for as long as files take; it may be called from any thread."""

    def __init__(self, buckets: Buckets, region: str, account_id: str) -> None:
        self._buckets = buckets
        self._region = region
        self._account_id = account_id
        self._operations: dict[tuple[str, str, str], Callable[[Call], Reply]] = {
            ("GET", "", ""): self._list_buckets,
            ("PUT", "bucket", ""): self._create_bucket,
            ("HEAD", "bucket", ""): self._head_bucket,
            ("DELETE", "bucket", ""): self._delete_bucket,
            ("GET", "bucket", ""): self._list_objects,
            ("GET", "bucket", "list-type"): self._list_objects_v2,
            ("GET", "bucket", "location"): self._get_bucket_location,
            ("GET", "bucket", "policy"): self._get_bucket_policy,
            ("PUT", "bucket", "policy"): self._put_bucket_policy,
            ("DELETE", "bucket", "policy"): self._delete_bucket_policy,
            ("PUT", "key", ""): self._put_object,
            ("HEAD", "key", ""): self._get_object,
            ("GET", "key", ""): self._get_object,
            ("DELETE", "key", ""): self._delete_object,
        }

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes, request_id: str
    ) -> Reply:
        """`path` is decoded, `query` is not; `headers` have lower-case names. Every error is an answer too."""
        bucket, _, key = path.removeprefix("/").partition("/")
        call = Call(bucket, key, dict(parse_qsl(query, keep_blank_values=True)), headers, body)
        sent = {"x-amz-request-id": request_id}
        try:
            reply = self._operation(method, call)(call)
        except Unavailable as error:
            reply = _failure(LabError("ServiceUnavailable", str(error), status=503), path, request_id)
        except LabError as problem:
            reply = _failure(problem, path, request_id)
        if method == "HEAD":
            length = {} if reply.status >= 400 else {"content-length": reply.headers.get("content-length", "0")}
            return Reply(reply.status, b"", {**reply.headers, **length, **sent})
        return Reply(reply.status, reply.body, {**reply.headers, **sent})

    def _operation(self, method: str, call: Call) -> Callable[[Call], Reply]:
        strange = [name for name in call.query if name not in _UNDERSTOOD and not name.lower().startswith("x-amz-")]
        strange += [name for name in ("x-amz-copy-source",) if name in call.headers]
        level = "key" if call.key else "bucket" if call.bucket else ""
        subresource = next((name for name in _SUBRESOURCES if name in call.query), "")
        operation = self._operations.get((method, level, subresource))
        if strange or operation is None:
            what = f"{method} with {', '.join(strange)}" if strange else f"{method} here"
            raise LabError(
                "NotImplemented", f"the lab's S3 keeps and lists objects and does no more: it has no {what}", status=501
            )
        return operation

    # Buckets.

    def _list_buckets(self, call: Call) -> Reply:
        root = Element("ListAllMyBucketsResult", xmlns=NAMESPACE)
        _fields(SubElement(root, "Owner"), {"ID": self._account_id, "DisplayName": "lab"})
        holder = SubElement(root, "Buckets")
        for name in self._buckets.buckets():
            created = iso_milliseconds(self._buckets.created(name))
            _fields(SubElement(holder, "Bucket"), {"Name": name, "CreationDate": created})
        return _xml(root)

    def _create_bucket(self, call: Call) -> Reply:
        location = _LOCATION.search(call.body)
        if location is not None and location[1].decode("latin-1") != self._region:
            raise LabError(
                "IllegalLocationConstraintException",
                f"The location constraint is incompatible with the region of this endpoint, {self._region}",
            )
        # In us-east-1 alone, making a bucket again is no error (s3: CreateBucket).
        if call.bucket in self._buckets.buckets() and self._region != "us-east-1":
            raise LabError(
                "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded", status=409
            )
        self._buckets.create(call.bucket)
        return Reply(200, b"", {"location": f"/{call.bucket}"})

    def _head_bucket(self, call: Call) -> Reply:
        self._must_exist(call.bucket)
        return Reply(200, b"", {"x-amz-bucket-region": self._region})

    def _delete_bucket(self, call: Call) -> Reply:
        self._buckets.remove(call.bucket)
        return Reply(204, b"", {})

    def _get_bucket_location(self, call: Call) -> Reply:
        self._must_exist(call.bucket)
        root = Element("LocationConstraint", xmlns=NAMESPACE)
        root.text = None if self._region == "us-east-1" else self._region
        return _xml(root)

    def _get_bucket_policy(self, call: Call) -> Reply:
        policy = self._buckets.policy(call.bucket)
        if policy is None:
            raise LabError("NoSuchBucketPolicy", "The bucket policy does not exist", status=404)
        return Reply(200, policy.encode(), {"content-type": "application/json"})

    def _put_bucket_policy(self, call: Call) -> Reply:
        try:
            statement = json.loads(call.body)["Statement"]
        except (ValueError, KeyError, TypeError) as error:
            raise LabError("MalformedPolicy", "Policies must be valid JSON with a Statement") from error
        if not isinstance(statement, list | dict):
            raise LabError("MalformedPolicy", "A policy's Statement must be a list or an object")
        self._buckets.put_policy(call.bucket, call.body.decode())
        return Reply(204, b"", {})

    def _delete_bucket_policy(self, call: Call) -> Reply:
        self._buckets.put_policy(call.bucket, None)
        return Reply(204, b"", {})

    # Listings.

    def _list_objects(self, call: Call) -> Reply:
        marker = call.query.get("marker", "")
        root, last = self._listing(call, marker)
        rest = {"Marker": self._encoded(call, marker)}
        # Without a delimiter the last key is the marker, and S3 does not repeat it.
        if last and call.query.get("delimiter"):
            rest["NextMarker"] = self._encoded(call, last)
        _fields(root, rest)
        return _xml(root)

    def _list_objects_v2(self, call: Call) -> Reply:
        token, start = call.query.get("continuation-token"), call.query.get("start-after", "")
        root, last = self._listing(call, start if token is None else _position(token))
        count = len(root.findall("Contents")) + len(root.findall("CommonPrefixes"))
        rest = {"KeyCount": str(count)}
        if start:
            rest["StartAfter"] = self._encoded(call, start)
        if token is not None:
            rest["ContinuationToken"] = token
        if last:
            rest["NextContinuationToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        _fields(root, rest)
        return _xml(root)

    def _listing(self, call: Call, after: str) -> tuple[Element, str]:
        """What both versions have in common, and where the next page begins."""
        self._must_exist(call.bucket)
        prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
        size = call.query.get("max-keys", str(PAGE))
        if not (size.isascii() and size.isdigit()):
            raise LabError("InvalidArgument", f"max-keys must be a number from 0 to 2147483647, not {size!r}")
        found = page(self._buckets.keys(call.bucket, prefix), prefix, delimiter, after, min(int(size), PAGE))
        root = Element("ListBucketResult", xmlns=NAMESPACE)
        head = {"Name": call.bucket, "Prefix": self._encoded(call, prefix), "MaxKeys": size}
        if delimiter:
            head["Delimiter"] = self._encoded(call, delimiter)
        if "encoding-type" in call.query:
            head["EncodingType"] = call.query["encoding-type"]
        _fields(root, {**head, "IsTruncated": "true" if found.last else "false"})
        for key in found.keys:
            known = self._buckets.find(call.bucket, key)
            if known is not None:  # it may have been deleted meanwhile
                row = {"Key": self._encoded(call, key), "LastModified": iso_milliseconds(known.modified)}
                row |= {"ETag": f'"{known.etag}"', "Size": str(known.size), "StorageClass": "STANDARD"}
                _fields(SubElement(root, "Contents"), row)
        for name in found.prefixes:
            _fields(SubElement(root, "CommonPrefixes"), {"Prefix": self._encoded(call, name)})
        return root, found.last

    def _encoded(self, call: Call, text: str) -> str:
        return quote(text, safe="/") if call.query.get("encoding-type") == "url" else text

    # Objects.

    def _put_object(self, call: Call) -> Reply:
        self._buckets.put(call.bucket, call.key, content(call.headers, call.body))
        known = self._buckets.find(call.bucket, call.key)
        return Reply(200, b"", {"etag": f'"{known.etag}"'} if known is not None else {})

    def _get_object(self, call: Call) -> Reply:
        """HeadObject as well: the answer's body is left out then."""
        self._must_exist(call.bucket)
        known, data = self._buckets.find(call.bucket, call.key), self._buckets.get(call.bucket, call.key)
        if known is None or data is None:
            raise LabError("NoSuchKey", "The specified key does not exist.", status=404)
        headers = {
            "content-type": "binary/octet-stream",
            "accept-ranges": "bytes",
            "etag": f'"{known.etag}"',
            "last-modified": formatdate(known.modified, usegmt=True),
        }
        asked = byte_range(call.headers.get("range"), len(data))
        if asked is None:
            return Reply(200, data, {**headers, "content-length": str(len(data))})
        start, end = asked
        part = {"content-range": f"bytes {start}-{end - 1}/{len(data)}", "content-length": str(end - start)}
        return Reply(206, data[start:end], {**headers, **part})

    def _delete_object(self, call: Call) -> Reply:
        self._must_exist(call.bucket)
        self._buckets.delete(call.bucket, call.key)
        return Reply(204, b"", {})

    def _must_exist(self, bucket: str) -> None:
        if bucket not in self._buckets.buckets():
            raise LabError("NoSuchBucket", "The specified bucket does not exist", status=404)


def _position(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise LabError("InvalidArgument", "The continuation token provided is incorrect") from error


def _fields(parent: Element, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


def _failure(problem: LabError, path: str, request_id: str) -> Reply:
    root = Element("Error")
    _fields(root, {"Code": problem.code, "Message": problem.message, "Resource": path, "RequestId": request_id})
    return Reply(problem.status, _document(root), {"content-type": "application/xml"})


def _xml(root: Element) -> Reply:
    return Reply(200, _document(root), {"content-type": "application/xml"})


def _document(root: Element) -> bytes:
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body
