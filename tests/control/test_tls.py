"""HTTPS from the template to what a node is told: the document's certificate carries a real handshake."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest

from lab.core.acm import Certificate
from lab.core.elbv2.config import Tls
from tests import pem
from tests.control.lab import Lab
from tests.control.test_balancers import document

NAMES = ("shop.lab.local", "localhost", "127.0.0.1")


def told(lab: Lab) -> Tls:
    tls = {listener.port: listener.tls for listener in document(lab).listeners}
    assert tls[80] is None
    assert tls[443] is not None
    return tls[443]


async def handshake(tls: Tls, authority: str, name: str, folder: Path) -> str:
    """A server has what the document says; a client trusts the authority alone and asks for the name. The TLS version."""
    [certificate] = tls.certificates
    path = folder / "server.pem"
    path.write_text(certificate.private_key + certificate.chain)
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cadata=authority)
    serving.load_cert_chain(path)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=serving)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname=name)
        version = str(writer.get_extra_info("ssl_object").version())
        writer.close()
        return version


async def test_the_stacks_https_verifies_by_the_authority_alone(lab: Lab, tmp_path: Path) -> None:
    assert told(lab).policy == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    authority = lab.world.certificates.authority().pem
    for name in NAMES:
        assert await handshake(told(lab), authority, name, tmp_path) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(told(lab), authority, "shop.example.com", tmp_path)


async def test_a_restart_changes_no_certificate(lab: Lab) -> None:
    before = document(lab)
    await lab.restart()
    await lab.run(5)
    assert document(lab) == before


async def test_a_certificate_that_is_imported_again_reaches_the_nodes(lab: Lab) -> None:
    first, second = (pem.certificate(time.time(), [name]) for name in ("one.example.com", "two.example.com"))
    arn = lab.call("acm", "ImportCertificate", Certificate=first.pem, PrivateKey=first.key)["CertificateArn"]
    [listener] = [row for row in document(lab).listeners if row.tls is not None]
    lab.call("elbv2", "ModifyListener", ListenerArn=listener.arn, Certificates=[{"CertificateArn": arn}])
    await lab.run(2)
    assert [one.chain for one in told(lab).certificates] == [first.pem]
    generation = document(lab).generation
    lab.call("acm", "ImportCertificate", Certificate=second.pem, PrivateKey=second.key, CertificateArn=arn)
    await lab.run(2)
    assert [one.chain for one in told(lab).certificates] == [second.pem]
    assert document(lab).generation == generation + 1


async def test_the_certificate_goes_with_the_stack(lab: Lab) -> None:
    assert len(lab.store.all(Certificate)) == 1
    lab.call("cloudformation", "DeleteStack", StackName="web")
    await lab.until(lambda: not lab.store.all(Certificate), 1200)
