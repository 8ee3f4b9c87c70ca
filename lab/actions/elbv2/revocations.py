"""Revocation lists of trust stores (alb:mutual-authentication). Like bundles they are objects of the lab's buckets."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads
from lab.actions.elbv2.limits import REVOCATION_BYTES, REVOCATION_ENTRIES, REVOCATION_LISTS
from lab.actions.elbv2.trust_stores import get_trust_store
from lab.core.elbv2.model import Revocation, TrustStore
from lab.core.errors import LabError


@reads("TrustStoreArn", "RevocationContents")
def add_trust_store_revocations(context: Context, request: Request) -> Response:
    store = get_trust_store(context, request["TrustStoreArn"])
    added = tuple(
        _read(context, store, content, store.revisions + number)
        for number, content in enumerate(request.get("RevocationContents", ()), 1)
    )
    store = replace(store, revocations=(*store.revocations, *added), revisions=store.revisions + len(added))
    if len(store.revocations) > REVOCATION_LISTS or store.entries > REVOCATION_ENTRIES:
        raise LabError(
            "TooManyTrustStoreRevocationEntries",
            f"A trust store has at most {REVOCATION_LISTS} revocation lists with {REVOCATION_ENTRIES} entries in all",
        )
    context.store.put(store)
    return {"TrustStoreRevocations": _described(store, added)}


@reads("TrustStoreArn", "RevocationIds")
def remove_trust_store_revocations(context: Context, request: Request) -> Response:
    store = get_trust_store(context, request["TrustStoreArn"])
    gone = {row.revocation_id for row in _some(store, request["RevocationIds"])}
    kept = tuple(row for row in store.revocations if row.revocation_id not in gone)
    context.store.put(replace(store, revocations=kept))
    return {}


@reads("TrustStoreArn", "RevocationIds", "Marker", "PageSize")
def describe_trust_store_revocations(context: Context, request: Request) -> Response:
    store = get_trust_store(context, request["TrustStoreArn"])
    ids = request.get("RevocationIds")
    return {"TrustStoreRevocations": _described(store, _some(store, ids) if ids else store.revocations)}


def _read(context: Context, store: TrustStore, content: Mapping[str, Any], revocation_id: int) -> Revocation:
    if "S3ObjectVersion" in content:
        raise LabError(
            "InvalidRevocationContent", "the lab's buckets keep one version of an object: leave S3ObjectVersion out"
        )
    bucket, key = content.get("S3Bucket", ""), content.get("S3Key", "")
    data = context.bucket_object(bucket, key)
    if data is None:
        raise LabError("RevocationContentNotFound", f"There is no object '{key}' in the bucket '{bucket}'")
    if len(data) > REVOCATION_BYTES:
        raise LabError("InvalidRevocationContent", f"A revocation list has at most {REVOCATION_BYTES} bytes")
    try:
        text, entries = context.certificates.revoked(data.decode("utf-8", "replace"), store.bundle)
    except ValueError as error:
        raise LabError("InvalidRevocationContent", f"The revocation list '{key}' cannot be used: {error}") from error
    return Revocation(revocation_id, text, entries)


def _some(store: TrustStore, ids: Iterable[int]) -> list[Revocation]:
    known = {row.revocation_id: row for row in store.revocations}
    missing = [str(number) for number in ids if number not in known]
    if missing:
        raise LabError("RevocationIdNotFound", f"Trust store '{store.name}' has no revocation {', '.join(missing)}")
    return [known[number] for number in dict.fromkeys(ids)]


def _described(store: TrustStore, rows: Iterable[Revocation]) -> list[dict[str, Any]]:
    return [
        {
            "TrustStoreArn": store.arn,
            "RevocationId": row.revocation_id,
            "RevocationType": "CRL",
            "NumberOfRevokedEntries": row.entries,
        }
        for row in rows
    ]
