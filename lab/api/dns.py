"""DNS for the resolvers of VPCs, by HTTP: a message in, a message out (RFC 8484's, without its TLS).

POST /lab/vpcs/{vpc}/dns-query?client=…&udp=1    as that VPC's resolver answers; 204 for silence
"""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address

from fastapi import FastAPI, Request
from fastapi.responses import Response

from lab.control.world import World
from lab.core.ec2.model import Vpc
from lab.core.errors import LabError

MEDIA_TYPE = "application/dns-message"

Reply = Callable[[str, bytes, str, bool], bytes | None]
"""A VPC's id, a query, its client's IPv4 address, whether the reply has to fit a datagram → the reply, None for silence."""


def add_dns(app: FastAPI, world: World, reply: Reply) -> None:
    @app.post("/lab/vpcs/{vpc_id}/dns-query")
    async def ask(vpc_id: str, request: Request, client: str = "127.0.0.1", udp: bool = False) -> Response:
        if world.store.get(Vpc, vpc_id) is None:
            raise LabError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
        try:
            address = str(IPv4Address(client))
        except AddressValueError as error:
            raise LabError("InvalidParameterValue", f"client is no IPv4 address: {error}") from error
        answer = reply(vpc_id, await request.body(), address, udp)
        return Response(status_code=204) if answer is None else Response(answer, media_type=MEDIA_TYPE)
