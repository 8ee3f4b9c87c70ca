"""`lab ca`"""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from lab.cli import client

FILE = "asg-lab-ca.pem"
"""What the certificate is called where the control plane's own file is out of reach."""

STORES: tuple[tuple[str, str, str], ...] = (
    ("curl", "curl --cacert {file} {url}", ""),
    ("Python", "SSL_CERT_FILE={file} python …", ""),
    ("Node.js", "NODE_EXTRA_CA_CERTS={file} node …", ""),
    (
        "Debian, Ubuntu",
        "sudo cp {file} /usr/local/share/ca-certificates/asg-lab.crt && sudo update-ca-certificates",
        "sudo rm /usr/local/share/ca-certificates/asg-lab.crt && sudo update-ca-certificates --fresh",
    ),
    (
        "Fedora, RHEL",
        "sudo cp {file} /etc/pki/ca-trust/source/anchors/asg-lab.pem && sudo update-ca-trust",
        "sudo rm /etc/pki/ca-trust/source/anchors/asg-lab.pem && sudo update-ca-trust",
    ),
    (
        "macOS",
        "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}",
        'sudo security delete-certificate -c "{name}" -t /Library/Keychains/System.keychain',
    ),
    ("Windows", "certutil -user -addstore Root {file}", 'certutil -user -delstore Root "{name}"'),
    (
        "Chrome on Linux",
        'certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n asg-lab -i {file}',
        'certutil -d "sql:$HOME/.pki/nssdb" -D -n asg-lab',
    ),
    (
        "Firefox",
        "Settings > Privacy & Security > View Certificates > Authorities > Import: {file}, to identify websites",
        "the same place, Delete or Distrust: {name}",
    ),
)
"""Where a certificate can be trusted: how to, and how to undo it where that lasts."""


@click.command(
    help="Show the lab's certificate authority, which signs its HTTPS certificates, and the commands that make programs "
    "trust it. It is installed nowhere by itself."
)
@click.option("--pem", is_flag=True, help="Print its certificate and nothing else.")
def command(pem: bool) -> None:
    authority = client.get("/lab/ca")
    if pem:
        click.echo(authority["pem"], nl=False)
        return
    click.echo("\n".join(_described(authority, _https_url())))


def _described(authority: dict[str, Any], url: str) -> Iterator[str]:
    here = _is_here(authority)
    file = shlex.quote(authority["path"]) if here else FILE
    until = datetime.fromtimestamp(authority["not_after"], UTC)
    limits = ", ".join([*(f"{name} and names below it" for name in authority["names"]), *authority["networks"]])
    yield f"certificate   {authority['path'] if here else f'`lab ca --pem > {FILE}` writes it here'}"
    yield f"name          {authority['name']}"
    yield f"SHA-256       {authority['sha256']}"
    yield f"valid until   {until:%Y-%m-%d}"
    yield f"limited to    {limits}; clients refuse anything else it signs"
    yield ""
    yield "It is installed nowhere. `lab down` destroys its key, and the next lab has another one. To trust it, do one of:"
    for system, trust, undo in STORES:
        yield f"\n{click.style(system, bold=True)}"
        yield f"  {trust.format(file=file, url=url)}"
        if undo:
            yield f"  {click.style('undo:', dim=True)} {undo.format(file=file, name=authority['name'])}"
    yield ""
    yield "Names below lab.local are in no DNS: add them to /etc/hosts as 127.0.0.1, or give curl --resolve NAME:PORT:127.0.0.1"


def _is_here(authority: dict[str, Any]) -> bool:
    """Whether this machine has the control plane's file. On Docker it is in a volume of the control plane's own."""
    try:
        return bool(Path(authority["path"]).read_text() == authority["pem"])
    except OSError:
        return False


def _https_url() -> str:
    """The lab's first one, by the name that its certificates have anyway."""
    urls = (url for row in client.status()["load_balancers"] for node in row["nodes"] for url in node["urls"])
    found = next((url for url in urls if url.startswith("https://")), "https://127.0.0.1:8443")
    return found.replace("127.0.0.1", "localhost")
