"""Trust stores: the authorities whose clients a listener lets in (alb:mutual-authentication).

Bundles are objects of the lab's buckets. They are read once, when a store is made or changed, as on AWS: what becomes of the
object later changes nothing.
"""

import re
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, require, tags_of
from lab.actions.elbv2.limits import AUTHORITIES, TRUST_STORES
from lab.core.elbv2.model import Listener, TrustStore
from lab.core.errors import LabError

NAME = re.compile(r"([a-zA-Z0-9]+-)*[a-zA-Z0-9]+")
BUNDLE = ("CaCertificatesBundleS3Bucket", "CaCertificatesBundleS3Key")


@reads("Name", *BUNDLE, "Tags")
def create_trust_store(context: Context, request: Request) -> Response:
    name = request["Name"]
    if len(name) > 32 or NAME.fullmatch(name) is None:
        raise LabError(
            "ValidationError", f"Trust store name '{name}' must be 1 to 32 letters, digits and inner hyphens"
        )
    rows = context.store.all(TrustStore)
    if any(row.name == name for row in rows):
        raise LabError("DuplicateTrustStoreName", f"A trust store with the name '{name}' exists already")
    if len(rows) >= TRUST_STORES:
        raise LabError("TooManyTrustStores", f"The maximum number of trust stores ({TRUST_STORES}) has been reached")
    bundle, authorities = _bundle(context, request)
    store = TrustStore(
        arn=context.account.arn("elasticloadbalancing", f"truststore/{name}/{context.new_id('hex16')}"),
        name=name,
        created=context.now,
        bundle=bundle,
        authorities=authorities,
        tags=tags_of(request.get("Tags")),
    )
    context.store.put(store)
    return {"TrustStores": [_store(store)]}


@reads("TrustStoreArn", *BUNDLE)
def modify_trust_store(context: Context, request: Request) -> Response:
    """Another bundle. The revocation lists stay, so none may bear the name of an authority that did not sign it."""
    store = get_trust_store(context, request["TrustStoreArn"])
    bundle, authorities = _bundle(context, request)
    for revocation in store.revocations:
        try:
            context.certificates.revoked(revocation.content, bundle)
        except ValueError as error:
            raise LabError(
                "InvalidCaCertificatesBundle",
                f"The bundle does not go with revocation list {revocation.revocation_id} ({error}): remove that first",
            ) from error
    store = replace(store, bundle=bundle, authorities=authorities)
    context.store.put(store)
    return {"TrustStores": [_store(store)]}


@reads("TrustStoreArn")
def delete_trust_store(context: Context, request: Request) -> Response:
    store = get_trust_store(context, request["TrustStoreArn"])
    if users := _listeners(context, store.arn):
        arns = ", ".join(row.arn for row in users)
        raise LabError(
            "TrustStoreInUse", f"Trust store '{store.arn}' is in use by {arns}: modify or delete these first"
        )
    context.store.delete(TrustStore, store.arn)
    return {}


@reads("TrustStoreArns", "Names", "Marker", "PageSize")
def describe_trust_stores(context: Context, request: Request) -> Response:
    found = context.store.all(TrustStore)
    if arns := request.get("TrustStoreArns"):
        found = [get_trust_store(context, arn) for arn in arns]
    if names := request.get("Names"):
        found = [row for row in found if row.name in names]
        missing = sorted(set(names) - {row.name for row in found})
        if missing:
            raise LabError("TrustStoreNotFound", f"Trust stores '{', '.join(missing)}' not found")
    return {"TrustStores": [_store(row) for row in found]}


@reads("TrustStoreArn", "Marker", "PageSize")
def describe_trust_store_associations(context: Context, request: Request) -> Response:
    """The load balancers whose listeners use it."""
    users = _listeners(context, get_trust_store(context, request["TrustStoreArn"]).arn)
    return {
        "TrustStoreAssociations": [{"ResourceArn": arn} for arn in dict.fromkeys(r.load_balancer_arn for r in users)]
    }


def get_trust_store(context: Context, arn: str) -> TrustStore:
    return require(context.store, TrustStore, arn, "TrustStoreNotFound", f"Trust store '{arn}' not found")


def _bundle(context: Context, request: Request) -> tuple[str, int]:
    bucket, key = (request[name] for name in BUNDLE)
    data = context.bucket_object(bucket, key)
    if data is None:
        raise LabError(
            "CaCertificatesBundleNotFound",
            f"There is no object '{key}' in the bucket '{bucket}': put the bundle there, as the file buckets/{bucket}/{key} "
            "of the lab's state directory",
        )
    bundle = data.decode("utf-8", "replace")
    try:
        authorities = context.certificates.authorities(bundle)
    except ValueError as error:
        raise LabError(
            "InvalidCaCertificatesBundle", f"The bundle '{key}' is not PEM of authorities: {error}"
        ) from error
    if len(authorities) > AUTHORITIES:
        raise LabError(
            "InvalidCaCertificatesBundle", f"A bundle has at most {AUTHORITIES} authorities, not {len(authorities)}"
        )
    return "".join(authorities), len(authorities)


def _listeners(context: Context, arn: str) -> list[Listener]:
    return [row for row in context.store.all(Listener) if row.tls is not None and row.tls.trust_store == arn]


def _store(row: TrustStore) -> dict[str, Any]:
    return {
        "Name": row.name,
        "TrustStoreArn": row.arn,
        "Status": "ACTIVE",
        "NumberOfCaCertificates": row.authorities,
        "TotalRevokedEntries": row.entries,
    }
