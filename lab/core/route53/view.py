"""What an answer depends on: the rows and the lab's state at one moment, and who asks.

A place is where a client counts to be (a continent, a country, which Regions are near); the user says which addresses are
where, since nobody is anywhere in a lab.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.core.elbv2.target_health import Health
from lab.core.store import Store


@dataclass(frozen=True, slots=True)
class View:
    """`target_health` answers for a registration's key, `node_lives` for a load balancer node's id; `draw` gives a number of
    [0, 1), a new one each time."""

    store: Store
    region: str
    now: float
    target_health: Callable[[str], Health]
    node_lives: Callable[[str], bool]
    draw: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Place:
    """AWS's codes of a continent, a country and a subdivision, empty where not known; `regions` from the nearest on."""

    continent: str = ""
    country: str = ""
    subdivision: str = ""
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """Who asks: somebody in a VPC, or, with no `vpc_id`, somebody on the host, who sees the names of all VPCs."""

    vpc_id: str = ""
    place: Place = Place()


Places = Sequence[tuple[IPv4Network, Place]]

_PLACE = re.compile(
    r"(?P<block>[0-9./]+)=(?P<codes>[A-Z]{2}(/[A-Z]{2}(/[A-Z0-9]{1,3})?)?)?(:(?P<regions>[a-z0-9,-]+))?"
)


def parse_places(text: str) -> Places:
    """`198.51.100.128/25=EU/DE:eu-central-1,eu-west-1`, several with blanks between: a block, then continent, country and
    subdivision as far as known, then Regions from the nearest on. Raises ValueError for a word that is not of the form."""
    return tuple(_place(word) for word in text.split())


def place_of(address: str, places: Places, region: str) -> Place:
    """Where the address is by the longest block that holds it. To who is nowhere, the lab's own Region is the nearest."""
    number = IPv4Address(address)
    held = [(block, place) for block, place in places if number in block]
    place = max(held, key=lambda item: item[0].prefixlen)[1] if held else Place()
    return place if place.regions else Place(place.continent, place.country, place.subdivision, (region,))


def _place(word: str) -> tuple[IPv4Network, Place]:
    found = _PLACE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is not BLOCK=CONTINENT/COUNTRY/SUBDIVISION:REGION,REGION…")
    continent, country, subdivision = [*(found["codes"] or "").split("/"), "", ""][:3]
    regions = tuple(found["regions"].split(",")) if found["regions"] else ()
    return IPv4Network(found["block"]), Place(continent, country, subdivision, regions)
