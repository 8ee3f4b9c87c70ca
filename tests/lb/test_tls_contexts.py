"""From the document to contexts: what is kept, what is refused and how that is said, what is left on disk."""

import os
import ssl
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from lab.core.elbv2.config import Attributes, Certificate, Listener, LoadBalancerConfig, MutualAuthentication, Tls
from lab.core.elbv2.rules import FixedResponse, default_rule
from lab.core.elbv2.tls_policies import POLICIES
from services.lb.tls import contexts
from services.lb.tls.contexts import TlsFront, matches
from services.lb.tls.fronts import compile_tls_fronts
from services.lb.tls.settings import target_context
from tests.lb.certificates import make, rsa_key
from tests.lb.tls_world import PLAIN_SERVER, tls

ROOT = make("root", authority=True)


def config(*parts: Tls | None, http2: bool = True) -> LoadBalancerConfig:
    """A document with an HTTPS listener for each part, from port 443 on, and an HTTP one."""
    rules = (default_rule(FixedResponse(200, "text/plain", "")),)
    listeners = [Listener(f"arn:{at}", "HTTPS", 443 + at, rules, tls=part) for at, part in enumerate(parts)]
    plain = Listener("arn:http", "HTTP", 80, rules)
    return LoadBalancerConfig(
        1, "app/lb/1", "arn:lb", "lb.example", 1.0, (plain, *listeners), (), Attributes(http2=http2)
    )


def test_contexts_are_kept_as_long_as_their_part_of_the_document() -> None:
    first = compile_tls_fronts(config(tls(), tls(policy="ELBSecurityPolicy-2016-08")), {}, http2=True)
    assert set(first) == {443, 444}
    again = compile_tls_fronts(replace(config(tls()), generation=2), first, http2=True)
    assert again[443] is first[443]
    assert again[443].context is first[443].context
    other = compile_tls_fronts(config(tls(make("other.example"))), again, http2=True)
    assert other[443] is not first[443]
    without = compile_tls_fronts(config(tls(), http2=False), first, http2=True)
    assert (without[443].http2, first[443].http2) == (False, True)
    assert compile_tls_fronts(config(tls()), {}, http2=False)[443].http2 is False


def document(*, chain: str = PLAIN_SERVER.chain, key: str = PLAIN_SERVER.key, policy: str = "") -> Tls:
    return Tls(policy or "ELBSecurityPolicy-2016-08", (Certificate("arn:c", chain, key),))


ENCRYPTED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjVZKJy0KJxUgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEHvZ2tvYTuFNyyTj2f4hGbEEgZBd
-----END ENCRYPTED PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (None, "listener 443 is HTTPS and has no certificates"),
        (document(policy="no-such"), "listener 443 has the security policy 'no-such', which is not one of AWS's"),
        (Tls("ELBSecurityPolicy-2016-08", ()), "listener 443 has no certificate"),
        (document(chain="nonsense"), "listener 443 has the certificate arn:c, which cannot be read"),
        (document(key="nonsense"), "listener 443 has the certificate arn:c, which OpenSSL does not take"),
        (document(key=make("x").key), "KEY_VALUES_MISMATCH|key values mismatch"),
        (document(key=ENCRYPTED), "arn:c, which OpenSSL does not take"),
        (tls(mutual=MutualAuthentication("maybe")), "mutual authentication mode 'maybe'"),
        (tls(mutual=MutualAuthentication("verify", "nonsense")), "trust store that OpenSSL does not take"),
        (tls(mutual=MutualAuthentication("verify", ROOT.pem, ("nonsense",))), "revocation list that cannot be read"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_in_one_sentence(part: Tls | None, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        compile_tls_fronts(config(part), {}, http2=True)
    assert "\n" not in str(caught.value)


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    command = ("openssl", "ec", "-aes128", "-passout", "pass:secret", "-out", str(file))
    subprocess.run(command, input=PLAIN_SERVER.key.encode(), check=True, capture_output=True)
    with pytest.raises(ValueError, match="its key is encrypted"):
        TlsFront(document(key=file.read_text()), http2=True)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    odd = make("odd.example", key=Ed25519PrivateKey.generate())
    with pytest.raises(ValueError, match="neither RSA nor ECDSA"):
        TlsFront(tls(odd), http2=True)


@pytest.mark.parametrize("memory", [True, False], ids=["memfd", "file"])
def test_no_key_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: bool) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if not memory:
        monkeypatch.delattr(os, "memfd_create")
    modes: list[int] = []
    with contexts._as_file(b"secret") as path:
        assert Path(path).read_bytes() == b"secret"
        modes.append(Path(path).stat().st_mode & 0o077)
    if not memory:
        assert modes == [0]
    before = set(os.listdir("/proc/self/fd"))
    TlsFront(tls(), http2=True)
    with pytest.raises(ValueError, match="does not take"):
        TlsFront(document(key="nonsense"), http2=True)
    assert list(tmp_path.iterdir()) == []
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("names", "name", "yes"),
    [
        ({"a.example"}, "a.example", True),
        ({"*.example"}, "a.example", True),
        ({"*.example"}, "b.a.example", False),
        ({"*.example"}, "example", False),
        ({"*.example"}, "*.example", True),
        ({"a.example"}, "*.example", False),
    ],
)
def test_matching_names(names: set[str], name: str, yes: bool) -> None:
    assert matches(frozenset(names), name) is yes


def test_small_rsa_keys_are_good_enough_for_clients_too() -> None:
    assert TlsFront(tls(make("s.example", key=rsa_key(1024))), http2=True).context


def test_a_context_towards_targets_is_made_once() -> None:
    policy = POLICIES["ELBSecurityPolicy-TLS13-1-0-2021-06"]
    context = target_context(policy)
    assert target_context(policy) is context
    assert context.verify_mode == ssl.CERT_NONE
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_node_without_https_does_without_the_library() -> None:
    code = (
        "import sys, services.lb.tls.fronts, services.lb.tls.endpoint, services.lb.tls.settings, services.lb.node.health;"
        "sys.exit('cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
