"""What the tests of HTTPS listeners and of trust stores share: the site's listener on port 443."""

from typing import Any

from tests.actions.conftest import Site


def certificates(*arns: str) -> list[dict[str, str]]:
    return [{"CertificateArn": arn} for arn in arns]


def modify(site: Site, **members: Any) -> dict[str, Any]:
    [found] = site.aws("elbv2", "ModifyListener", ListenerArn=site.secure, **members)["Listeners"]
    return dict(found)


def verifying(site: Site, **members: Any) -> dict[str, Any]:
    return {"Mode": "verify", "TrustStoreArn": site.trust_store, **members}
