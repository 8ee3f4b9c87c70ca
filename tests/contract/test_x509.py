"""Reading PEM: whatever the bytes are, it is read or refused with a ValueError. Seeds make it the same in every run."""

import base64
import random
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap

import pytest

from lab.adapters.x509 import authorities_of, facts_of, imported, revoked_by
from lab.core.acm import Material
from tests import pem

NOW = 1_700_000_000.0
ROOT = pem.root(NOW)
LEAF = pem.certificate(NOW, ["shop.example.com", "*.example.com"], issuer=ROOT, addresses=["127.0.0.1"])
LIST = pem.revocation_list(NOW, ROOT, [1, 2, 3])

READERS: dict[str, tuple[str, str, Callable[[str], object]]] = {
    "a certificate": ("CERTIFICATE", LEAF.pem, facts_of),
    "an import": ("CERTIFICATE", LEAF.pem, lambda text: imported(text, LEAF.key, ROOT.pem, NOW)),
    "a chain": ("CERTIFICATE", ROOT.pem, lambda text: imported(LEAF.pem, LEAF.key, text, NOW)),
    "a key": ("PRIVATE KEY", LEAF.key, lambda text: imported(LEAF.pem, text, ROOT.pem, NOW)),
    "a bundle": ("CERTIFICATE", ROOT.pem, authorities_of),
    "a revocation list": ("X509 CRL", LIST, lambda text: revoked_by(text, ROOT.pem)),
}


def damaged(chance: random.Random, label: str, text: str) -> str:
    """The same with one to three bytes of its DER changed."""
    der = bytearray(base64.b64decode("".join(text.split("-----")[2].split())))
    for _ in range(chance.randint(1, 3)):
        der[chance.randrange(len(der))] = chance.randrange(256)
    lines = "\n".join(wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"


@pytest.mark.parametrize("name", READERS)
def test_damaged_der_is_read_or_refused(name: str) -> None:
    label, text, read = READERS[name]
    chance = random.Random(name)
    read(text)
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, of what it takes for now
        for _ in range(1500):
            try:
                read(damaged(chance, label, text))
            except ValueError:
                refused += 1
    assert refused > 500


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("-----END", "-----BEGIN"),
        lambda text: text.replace("BEGIN", "BEGIN MY"),
        lambda text: text.replace("-----\n", "-----."),
        lambda text: "-----BEGIN CERTIFICATE-----\n" * 50_000,
        lambda text: "\0" + text.replace("M", "\0"),
    ],
)
def test_what_is_no_pem_is_refused(name: str, spoil: Callable[[str], str]) -> None:
    _, text, read = READERS[name]
    with pytest.raises(ValueError, match=r"\w"):
        read(spoil(text))


def test_comments_and_line_ends_do_not_matter() -> None:
    bundle = f"# The first.\r\n{ROOT.pem}\n\nOf another kind:\n{pem.root(NOW, 'B').pem}".replace("\n", "\r\n")
    assert len(authorities_of(bundle)) == 2
    assert facts_of("Bag Attributes\n  friendlyName: shop\n" + LEAF.pem) == facts_of(LEAF.pem)


def test_facts() -> None:
    facts = facts_of(LEAF.pem)
    assert facts.names == ("shop.example.com", "*.example.com")
    assert (facts.domain_name, facts.common_name, facts.issuer) == ("shop.example.com", "shop.example.com", "A root")
    assert (facts.not_before, facts.not_after) == (NOW - pem.DAY, NOW + 30 * pem.DAY)
    assert int(facts.serial.replace(":", ""), 16) == LEAF.certificate.serial_number
    assert {len(part) for part in facts.serial.split(":")} == {2}


@pytest.mark.parametrize(
    ("common", "names"), [("shop.example.com", ("shop.example.com",)), ("Mr Nobody", ()), ("localhost", ())]
)
def test_without_alternative_names_the_common_name_counts_if_it_is_one(common: str, names: tuple[str, ...]) -> None:
    assert facts_of(pem.certificate(NOW, (), subject=common).pem).names == names


def test_what_is_kept_is_canonical(tmp_path: Path) -> None:
    """OpenSSL, which nodes load it with, reads less than we do: no indented PEM, no PEM on one line."""
    loose = imported(indented(LEAF.pem), LEAF.key.replace("\n", " "), "# the chain\n" + indented(ROOT.pem), NOW)
    assert loose == Material(LEAF.pem, ROOT.pem, LEAF.key)
    (tmp_path / "server.pem").write_text(loose.private_key + loose.body + loose.chain)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "server.pem")
    assert revoked_by(indented(LIST), ROOT.pem) == (LIST, 3)


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
