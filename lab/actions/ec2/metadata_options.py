"""Instance metadata options (ec2:configuring-instance-metadata-options)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lab.core.ec2.model import MetadataOptions
from lab.core.errors import LabError

CHOICES = {
    "HttpTokens": ("http_tokens", ("optional", "required")),
    "HttpEndpoint": ("http_endpoint", ("enabled", "disabled")),
    "InstanceMetadataTags": ("instance_metadata_tags", ("enabled", "disabled")),
}
MOST_HOPS = 64


def chosen(given: Mapping[str, Any], before: MetadataOptions) -> MetadataOptions:
    """The options with what was given in the place of what was. Raises InvalidParameterValue."""
    for name, (field, choices) in CHOICES.items():
        if name in given:
            if given[name] not in choices:
                raise LabError("InvalidParameterValue", f"{name} must be {' or '.join(choices)}, not {given[name]!r}")
            before = replace(before, **{field: given[name]})
    if "HttpPutResponseHopLimit" in given:
        hops = int(given["HttpPutResponseHopLimit"])
        if not 1 <= hops <= MOST_HOPS:
            raise LabError("InvalidParameterValue", f"HttpPutResponseHopLimit must be 1 to {MOST_HOPS}, not {hops}")
        before = replace(before, http_put_response_hop_limit=hops)
    if given.get("HttpProtocolIpv6", "disabled") != "disabled":
        raise LabError("InvalidParameterValue", "HttpProtocolIpv6 must be disabled: the lab has IPv4 only")
    return before


def shape(options: MetadataOptions) -> dict[str, Any]:
    return {
        "State": "applied",
        "HttpTokens": options.http_tokens,
        "HttpPutResponseHopLimit": options.http_put_response_hop_limit,
        "HttpEndpoint": options.http_endpoint,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": options.instance_metadata_tags,
    }
