"""Tries the endpoints of Route 53's health checks over sockets, within AWS's limits of time and size, which are in wall seconds
(aws-facts §9.2). A certificate is not verified.
"""

import asyncio
import ssl
from http import HTTPStatus

from lab.core.route53.probe import Outcome, Probe

TCP_CONNECT, HTTP_CONNECT, RESPONSE, BODY = 10.0, 4.0, 2.0, 2.0
"""Wall seconds for each step."""
GOODBYE = 1.0
LONGEST_HEAD = 16384
SEARCHED = 5120
"""The string must be in so many first octets of the body."""
AGENT = "Amazon-Route53-Health-Check-Service (ref {}; report http://amzn.to/1vsZADi)"


class SocketProber:
    async def probe(self, probe: Probe) -> Outcome:
        """Never raises: whatever goes wrong on the way is the endpoint's failure."""
        limit = TCP_CONNECT if probe.protocol == "TCP" else HTTP_CONNECT
        try:
            async with asyncio.timeout(limit):
                reader, writer = await _connect(probe)
        except TimeoutError:
            return Outcome(
                False, "Failure: The health checker could not establish a connection within the timeout limit"
            )
        except (OSError, ValueError) as error:
            return Outcome(False, f"Failure: The connection could not be made: {_said(error)}")
        try:
            if probe.protocol == "TCP":
                return Outcome(True, "Success: The TCP connection was made")
            return await _exchange(probe, reader, writer)
        except TimeoutError:
            return Outcome(False, "Failure: Response timed out")
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            return Outcome(False, f"Failure: The response could not be read: {_said(error)}")
        finally:
            await _close(writer)


async def _connect(probe: Probe) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if probe.protocol != "HTTPS":
        return await asyncio.open_connection(probe.host, probe.port, limit=LONGEST_HEAD)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return await asyncio.open_connection(
        probe.host, probe.port, limit=LONGEST_HEAD, ssl=context, server_hostname=probe.server_name
    )


async def _close(writer: asyncio.StreamWriter) -> None:
    """Politely, for a moment."""
    writer.close()
    try:
        async with asyncio.timeout(GOODBYE):
            await writer.wait_closed()
    except (TimeoutError, OSError):
        writer.transport.abort()


async def _exchange(probe: Probe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Outcome:
    fields = {"Host": probe.name, "User-Agent": AGENT.format(probe.check_id), "Accept": "*/*", "Connection": "close"}
    lines = [f"GET {probe.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(RESPONSE):
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
    status = _status(head)
    if not 200 <= status < 400:
        return Outcome(False, f"Failure: HTTP Status Code {status}, {_phrase(status)}")
    if probe.search:
        async with asyncio.timeout(BODY):
            body = await _first(reader, SEARCHED)
        if probe.search.encode() not in body:
            return Outcome(
                False, f"Failure: HTTP Status Code {status}, the response has not the string that is searched for"
            )
    return Outcome(True, f"Success: HTTP Status Code {status}, {_phrase(status)}")


async def _first(reader: asyncio.StreamReader, count: int) -> bytes:
    """So many octets, or all there are."""
    found = b""
    while len(found) < count and (piece := await reader.read(count - len(found))):
        found += piece
    return found


def _status(head: bytes) -> int:
    version, _, rest = head.partition(b" ")
    number = rest[:3]
    if not version.startswith(b"HTTP/1.") or not (number.isdigit() and len(number) == 3):
        raise ValueError("it does not begin as HTTP does")
    return int(number)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
