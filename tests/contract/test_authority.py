"""The lab's certificate authority, held against verifiers that are not ours: OpenSSL's program, Python's ssl (a real handshake)
and cryptography's. All must accept what the lab serves, and refuse what the authority must not vouch for.
"""

import ipaddress
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from lab.adapters.authority import Authority
from lab.core.acm import REQUESTABLE, Material, vouched_for
from lab.core.errors import Refused

NAMES = ("shop.lab.local", "*.lab.local")
GOOD = ("shop.lab.local", "any.lab.local", "localhost", "127.0.0.1")
OUTSIDE = ("shop.example.com", "lab.local.example.com", "web-1.us-east-1.elb.amazonaws.com", "evil-lab.local", "local")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("state") / "authority", time.time)


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Material:
    return authority.issue(NAMES, "EC_prime256v1")


def read(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def subject(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def verify(authority: Authority, body: str, name: str) -> None:
    store = Store([read(authority.authority().pem)])
    PolicyBuilder().store(store).build_server_verifier(subject(name)).verify(read(body), [])


@pytest.mark.parametrize("name", GOOD)
def test_a_strict_verifier_takes_every_name(authority: Authority, issued: Material, name: str) -> None:
    verify(authority, issued.body, name)


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_strict_verifier_takes_none_outside(authority: Authority, name: str) -> None:
    """Though the authority were made to sign it: the constraint is in its own certificate."""
    assert not vouched_for(name)
    body = authority.issue([name], "EC_prime256v1").body
    with pytest.raises(VerificationError, match="name constraint"):
        verify(authority, body, name)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is not there")
@pytest.mark.parametrize(("name", "good"), [*((one, True) for one in GOOD[:3]), *((one, False) for one in OUTSIDE[:4])])
def test_openssl_agrees(authority: Authority, tmp_path: Path, name: str, good: bool) -> None:
    names = NAMES if good else (name,)
    leaf = tmp_path / "leaf.pem"
    leaf.write_text(authority.issue(names, "EC_prime256v1").body)
    command = ["openssl", "verify", "-CAfile", authority.authority().path, "-purpose", "sslserver", "-x509_strict"]
    # Python 3.13's clients are as strict.
    done = subprocess.run([*command, "-verify_hostname", name, str(leaf)], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is good, done.stderr
    assert good or "permitted subtree violation" in done.stderr


def handshake(authority: Authority, made: Material, tmp_path: Path, name: str) -> str:
    """A real one over a pair of sockets. What the client says of it: the protocol's version, or raises."""
    pem = tmp_path / "server.pem"
    pem.write_text(made.private_key + made.body)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    asking = ssl.create_default_context(cadata=authority.authority().pem)
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)

    def serve() -> None:
        try:
            serving.wrap_socket(far, server_side=True).close()
        except (ssl.SSLError, OSError):
            far.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        with asking.wrap_socket(near, server_hostname=name) as client:
            return client.version() or ""
    finally:
        near.close()
        server.join()


@pytest.mark.parametrize("algorithm", REQUESTABLE)
@pytest.mark.parametrize("name", GOOD)
def test_pythons_client_shakes_hands(authority: Authority, tmp_path: Path, algorithm: str, name: str) -> None:
    made = authority.issue(NAMES, algorithm)
    assert authority.facts(made.body).key_algorithm == algorithm
    assert handshake(authority, made, tmp_path, name) == "TLSv1.3"


@pytest.mark.parametrize("name", OUTSIDE[:3])
def test_pythons_client_refuses_what_is_outside(authority: Authority, tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(authority, authority.issue([name], "EC_prime256v1"), tmp_path, name)


def test_another_labs_certificate_is_not_taken(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority, Authority(None, time.time).issue(NAMES, "EC_prime256v1"), tmp_path, "localhost")


def test_a_certificate_cannot_sign_another(authority: Authority, issued: Material) -> None:
    root = read(authority.authority().pem).extensions.get_extension_for_class(x509.BasicConstraints).value
    leaf = read(issued.body).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (root.ca, root.path_length, leaf.ca) == (True, 0, False)


def test_lives(authority: Authority, issued: Material) -> None:
    facts = authority.facts(issued.body)
    assert facts.not_before < time.time()
    assert 394 * 86400 < facts.not_after - time.time() < 396 * 86400
    assert authority.authority().not_after > facts.not_after


def test_no_certificate_outlives_the_authority() -> None:
    now = 1_700_000_000.0
    clock = [now]
    authority = Authority(None, lambda: clock[0])
    clock[0] = authority.authority().not_after - 86400
    assert authority.facts(authority.issue(NAMES, "EC_prime256v1").body).not_after == authority.authority().not_after


# What lies on the disk.


def test_the_key_is_for_nobody_else(tmp_path: Path) -> None:
    Authority(tmp_path / "authority", time.time)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "authority").iterdir()}
    assert modes["key.pem"] == 0o600
    assert set(modes) == {"key.pem", "ca.pem"}
    assert "PRIVATE" not in (tmp_path / "authority" / "ca.pem").read_text()


def test_it_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = Authority(tmp_path / "authority", time.time)
    second = Authority(tmp_path / "authority", time.time)
    assert second.authority() == first.authority()
    verify(first, second.issue(NAMES, "EC_prime256v1").body, "localhost")


def test_a_start_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    """After the key, before the certificate; and in the middle of a file."""
    Authority(tmp_path / "authority", time.time)
    key = (tmp_path / "authority" / "key.pem").read_bytes()
    (tmp_path / "authority" / "ca.pem").unlink()
    (tmp_path / "authority" / "ca.tmp").write_text("half")
    verify(again := Authority(tmp_path / "authority", time.time), again.issue(NAMES, "EC_prime256v1").body, "localhost")
    assert (tmp_path / "authority" / "key.pem").read_bytes() == key
    assert not (tmp_path / "authority" / "ca.tmp").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: (at / "key.pem").unlink(), "lost its key"),
        (lambda at: (at / "key.pem").write_text("nothing"), "not a private key"),
        (lambda at: (at / "ca.pem").write_text("nothing"), "not a certificate"),
        (lambda at: (at / "ca.pem").write_text(Authority(None, time.time).authority().pem), "does not belong"),
    ],
)
def test_what_is_spoilt_is_said_with_what_to_do(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    Authority(tmp_path / "authority", time.time)
    spoil(tmp_path / "authority")
    with pytest.raises(Refused, match=said) as caught:
        Authority(tmp_path / "authority", time.time)
    assert "remove" in str(caught.value)


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        Authority(tmp_path / "file" / "authority", time.time)


def test_a_value_never_shows_a_private_key(issued: Material) -> None:
    assert "PRIVATE" not in repr(issued)
