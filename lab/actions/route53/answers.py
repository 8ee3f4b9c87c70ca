"""What Route 53's name servers would answer, asked by API (bc:route53.TestDNSAnswer)."""

from lab.actions.context import Context, Request, Response, reads
from lab.actions.route53.common import get_zone, invalid
from lab.core.route53.answer import in_zone
from lab.core.route53.model import TYPES
from lab.core.route53.names import canonical, is_under
from lab.core.route53.values import problem
from lab.core.route53.view import Source, place_of

RESOLVER = "127.0.0.1"
"""Who asks when nobody is named: somebody of this machine."""


@reads("HostedZoneId", "RecordName", "RecordType", "ResolverIP", "EDNS0ClientSubnetIP", "EDNS0ClientSubnetMask")
def test_dns_answer(context: Context, request: Request) -> Response:
    """For a public zone. The client is who EDNS0ClientSubnetIP says, else ResolverIP."""
    zone = get_zone(context, request["HostedZoneId"])
    if zone.private:
        raise invalid(f"The hosted zone {zone.zone_id} is private: only public ones can be tested")
    if request["RecordType"] not in TYPES:
        raise invalid(f"RecordType must be one of {', '.join(TYPES)}")
    if "EDNS0ClientSubnetMask" in request and "EDNS0ClientSubnetIP" not in request:
        raise invalid("EDNS0ClientSubnetMask needs an EDNS0ClientSubnetIP")
    client = request.get("EDNS0ClientSubnetIP", request.get("ResolverIP", RESOLVER))
    if problem("A", client) is not None:
        raise invalid(f"A client or resolver has an IPv4 address, not '{client}'")
    source = Source("", place_of(client, context.places, context.account.region))
    found = in_zone(context.view(), zone, _name(request["RecordName"], zone.name), request["RecordType"], source)
    return {
        "Nameserver": zone.name_servers[0],
        "RecordName": request["RecordName"],
        "RecordType": request["RecordType"],
        "RecordData": [value for record in found.records for value in record.values],
        "ResponseCode": found.rcode,
        "Protocol": "UDP",
    }


def _name(text: str, zone: str) -> str:
    try:
        name = canonical(text)
    except ValueError as error:
        raise invalid(f"RecordName: {error} encountered with '{text}'") from error
    if not is_under(name, zone):
        raise invalid(f"RecordName '{text}' is not in the hosted zone {zone}")
    return name
