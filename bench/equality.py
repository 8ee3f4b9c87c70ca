"""Does a balancer do the work that is measured? Asked of each before anything is."""

import http.client
import re
import ssl

from bench.certificate import HOST
from bench.contender import Running
from bench.processes import BenchError
from bench.scenarios import Scenario

_FIELDS = re.compile(rf"{re.escape(HOST)} 127\.0\.0\.1 (http|https) [0-9]+ Root=1-[0-9a-f-]+")
_SECONDS = 10


def check(running: Running, scenario: Scenario) -> None:
    """Raises BenchError when the answer is not the one that is to be measured."""
    head, _, body = scenario.request.partition("\r\n\r\n")
    method = head.partition(" ")[0]
    seen = _ask(running, method, scenario.path, body.encode(), tls=scenario.tls)
    if (seen[0], len(seen[1])) != (200, scenario.body_bytes):
        raise BenchError(
            f"{running.contender.title} answers {scenario.path} with status {seen[0]} and {len(seen[1])} bytes"
        )
    made = _ask(running, "GET", "/fields", b"", tls=scenario.tls)[1].decode()
    if _FIELDS.fullmatch(made) is None or f" {'https' if scenario.tls else 'http'} " not in made:
        raise BenchError(f"{running.contender.title} forwards other fields than it should: {made!r}")


def _ask(running: Running, method: str, path: str, body: bytes, *, tls: bool) -> tuple[int, bytes]:
    """(status, body)"""
    connection: http.client.HTTPConnection
    if tls:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", running.site.tls_port, timeout=_SECONDS, context=client_context()
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", running.site.port, timeout=_SECONDS)
    try:
        connection.request(method, path, body or None, {"Host": HOST})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchError(
            f"{running.contender.title} does not answer {path}: {error or type(error).__name__}"
        ) from error
    finally:
        connection.close()


def client_context() -> ssl.SSLContext:
    """Takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
