"""What the lab is told by its environment, checked once at the start. Names and defaults; nothing else reads LAB_*."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from lab.core.ec2.public import POOL
from lab.core.errors import Refused
from lab.core.pace import FASTEST, checked
from lab.core.route53.view import Places, parse_places

DEFAULT_SPEED = 20.0
DEFAULT_API_PORT = 4566
DEFAULT_LISTENER_PORT = 8080
DEFAULT_TLS_PORT = 8443
DEFAULT_DNS_PORT = 5353
ZONES = 3
COMPUTES = ("auto", "docker", "process")
STACKS = Path(__file__).resolve().parent.parent / "stacks"


@dataclass(frozen=True, slots=True)
class Settings:
    """`state` is the directory for everything the lab keeps; `listener_port` is where listener port 80 is found in the
    first zone (one up in the next), `tls_port` likewise for listener port 443; `owner` marks what the lab makes on Docker;
    `internet` is the block of the public addresses, and of the bridge that plays the internet on Docker;
    `dns_port` is the port of the resolver, UDP and TCP; `dns_published` is False where a container serves it and its host
    could not publish it; `dns_places` says where which clients count to be;
    `stack` is the template that is deployed at the first start, None for none, with `stack_parameters`."""

    compute: str = "auto"
    speed: float = DEFAULT_SPEED
    state: Path = Path(".lab")
    api_bind: str = "127.0.0.1"
    api_port: int = DEFAULT_API_PORT
    listener_port: int = DEFAULT_LISTENER_PORT
    tls_port: int = DEFAULT_TLS_PORT
    owner: str = "asg-lab"
    internet: str = POOL
    dns_port: int = DEFAULT_DNS_PORT
    dns_published: bool = True
    dns_places: Places = ()
    stack: Path | None = STACKS / "web.yaml"
    stack_name: str = "web"
    stack_parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"


def from_environment(environ: Mapping[str, str]) -> Settings:
    """Raises Refused with the variable's name and what it may be."""
    compute = environ.get("LAB_COMPUTE") or "auto"
    if compute not in COMPUTES:
        raise Refused(f"LAB_COMPUTE must be one of {', '.join(COMPUTES)}, not {compute!r}")
    listener_port = _port(environ, "LAB_LISTENER_PORT", DEFAULT_LISTENER_PORT)
    tls_port = _port(environ, "LAB_TLS_PORT", DEFAULT_TLS_PORT)
    if abs(listener_port - tls_port) < ZONES:
        raise Refused(
            f"LAB_TLS_PORT ({tls_port}) and LAB_LISTENER_PORT ({listener_port}) must be at least {ZONES} apart: "
            "each zone takes the next port up"
        )
    stack = environ.get("LAB_STACK", str(STACKS / "web.yaml"))
    return Settings(
        compute=compute,
        speed=_speed(environ.get("LAB_SPEED") or str(DEFAULT_SPEED)),
        state=Path(environ.get("LAB_STATE") or _default_state()).absolute(),
        api_bind=environ.get("LAB_API_BIND") or "127.0.0.1",
        api_port=_port(environ, "LAB_API_PORT", DEFAULT_API_PORT),
        listener_port=listener_port,
        tls_port=tls_port,
        owner=environ.get("LAB_OWNER") or "asg-lab",
        internet=_internet(environ.get("LAB_INTERNET") or POOL),
        dns_port=_port(environ, "LAB_DNS_PORT", DEFAULT_DNS_PORT),
        dns_published=environ.get("LAB_DNS_PUBLISHED") != "",
        dns_places=_places(environ.get("LAB_DNS_PLACES") or ""),
        stack=Path(stack) if stack else None,
        stack_name=environ.get("LAB_STACK_NAME") or "web",
        stack_parameters=_parameters(environ.get("LAB_STACK_PARAMETERS") or ""),
    )


def _default_state() -> str:
    """`.lab` in the working directory. For root a place that others can pass through: PostgreSQL refuses to run as root,
    runs as nobody, and must reach its data."""
    return "/var/lib/asg-lab" if hasattr(os, "geteuid") and os.geteuid() == 0 else ".lab"


def _speed(text: str) -> float:
    try:
        return checked(float(text))
    except (ValueError, Refused) as error:
        raise Refused(
            f"LAB_SPEED must be a number above 0 and at most {FASTEST:g} (1 is AWS's own pace), not {text!r}"
        ) from error


def _internet(text: str) -> str:
    try:
        block = IPv4Network(text)
    except ValueError as error:
        raise Refused(f"LAB_INTERNET must be a block of addresses, as in {POOL}, not {text!r} ({error})") from error
    if not 16 <= block.prefixlen <= 26:
        raise Refused(f"LAB_INTERNET must be a /16 to /26 block, not {text!r}")
    return str(block)


def _places(text: str) -> Places:
    try:
        return parse_places(text)
    except ValueError as error:
        raise Refused(
            f"LAB_DNS_PLACES must be like 198.51.100.0/24=EU/DE:eu-central-1,eu-west-1, several with blanks between: {error}"
        ) from error


def _parameters(text: str) -> dict[str, str]:
    """`VpcCidr=10.9.0.0/16 MaxSize=4`, separated by blanks."""
    pairs = [word.partition("=") for word in text.split()]
    if not all(equals for _, equals, _ in pairs):
        raise Refused(f"LAB_STACK_PARAMETERS must be NAME=VALUE, several with blanks between, not {text!r}")
    return {name: value for name, _, value in pairs}


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 65535:
        raise Refused(f"{name} must be a port, 1 to 65535, not {text!r}")
    return int(text)
