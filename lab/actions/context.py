"""What an action may use, and the two things all of them share: the parameters they read, and tags."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lab.core.acm import AuthorityFacts, CertificateFacts, Material
from lab.core.cloudwatch.metric import Metric, Statistics
from lab.core.ec2.keys import PublicKey
from lab.core.ec2.public import POOL
from lab.core.elbv2.target_health import Health
from lab.core.errors import LabError
from lab.core.route53.view import Places, View
from lab.core.store import R, Store

Request = Mapping[str, Any]
Response = dict[str, Any]


class Metrics(Protocol):
    """Metric data, as CloudWatch's actions see it. Data in different units are streams of their own; `unit` "" puts into that
    of `None`, as AWS does, and asks for all of them."""

    def put(self, metric: Metric, value: float, timestamp: float, *, resolution: int = 60, unit: str = "") -> None:
        """One value. `resolution` 1 keeps it by the second as well as by the minute."""

    def put_statistics(
        self, metric: Metric, statistics: Statistics, timestamp: float, *, resolution: int = 60, unit: str = ""
    ) -> None:
        """Many values: a statistic set, with how often each value came where that is known (`metric.of_values`)."""

    def mark(self, source: str, text: Callable[[], str] | None) -> None:
        """Note how far a source of data has been counted; None forgets the source. It becomes durable together with the data
        put before, or not at all. `text` is called when it is written."""

    def marked(self, source: str) -> str | None:
        """What was noted last."""

    def sources(self) -> Sequence[str]:
        """All that something is noted of."""

    def metrics(self) -> Sequence[Metric]: ...

    def units(self, metric: Metric) -> Sequence[str]:
        """The units in which there is data of a metric."""

    def newest(self, metric: Metric) -> float:
        """The start of the newest period with data, minus infinity when there is none."""

    def statistics(self, metric: Metric, start: float, period: int, unit: str = "") -> Statistics | None:
        """All data of [start, start + period), None when there is none. `period` is 1, 5, 10, 20, 30 or a multiple of 60, and
        data of a minute's resolution is found by the latter only."""


class Keys(Protocol):
    """Keys for SSH, as actions see them."""

    def create(self, key_type: str) -> tuple[PublicKey, str]:
        """What is public of a new pair of this type, and the private key in PEM."""

    def read(self, material: bytes) -> PublicKey:
        """Raises ValueError with a sentence."""


class Certificates(Protocol):
    """X.509, as actions see it: the lab's authority, and the reading of PEM. What is read and is not what it should be raises
    ValueError with a sentence."""

    def wall_time(self) -> float:
        """Seconds since the epoch by the clock that judges certificates, which is not the lab's."""

    def authority(self) -> AuthorityFacts: ...

    def issue(self, names: Sequence[str], key_algorithm: str) -> Material:
        """A server's certificate by the lab's authority, for names that `lab.core.acm.vouched_for` admits."""

    def facts(self, body: str) -> CertificateFacts: ...

    def imported(self, body: str, private_key: str, chain: str) -> Material:
        """What may be imported: the key is the certificate's own, the chain leads on from it, it is valid now."""

    def authorities(self, bundle: str) -> tuple[str, ...]:
        """The certificates of a bundle in canonical PEM; it holds authorities' and nothing else."""

    def revoked(self, content: str, bundle: str) -> tuple[str, int]:
        """A revocation list in canonical PEM, and how many certificates it revokes; it does not contradict the bundle."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account and region the lab plays."""

    account_id: str = "123456789012"
    region: str = "us-east-1"
    public_block: str = POOL
    """What the internet is made of, as far as this lab goes: `lab.core.ec2.public`."""

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(f"{self.region}{letter}" for letter in "abc")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True, slots=True)
class Context:
    """`now` is lab time. `target_health` answers for a registration's key; `view` and `places` are what DNS answers go by;
    `new_id` makes ids; `console` is what an instance wrote. `bucket_object` is an object's content by bucket and key;
    `prepare_log_bucket` takes a bucket and a prefix (see `lab.actions.buckets`)."""

    store: Store
    metrics: Metrics
    account: Account
    now: float
    new_id: Callable[[str], str]
    target_health: Callable[[str], Health]
    view: Callable[[], View]
    places: Places
    certificates: Certificates
    keys: Keys
    bucket_object: Callable[[str, str], bytes | None]
    prepare_log_bucket: Callable[[str, str], None]
    console: Callable[[str], str]


Action = Callable[[Context, Request], Response]
A = TypeVar("A", bound=Action)


def reads(*members: str) -> Callable[[A], A]:
    """Names the request members an action honours. `dispatch` refuses any other, rather than pass it over in silence."""

    def mark(action: A) -> A:
        READS[f"{action.__module__}.{action.__name__}"] = frozenset(members)
        return action

    return mark


READS: dict[str, frozenset[str]] = {}
"""By module and function name, what `reads` was given."""


def require(store: Store, kind: type[R], key: str, code: str, message: str, status: int = 400) -> R:
    """The row, or AWS's not-found error."""
    row = store.get(kind, key)
    if row is None:
        raise LabError(code, message, status=status)
    return row


def tags_of(pairs: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """AWS's list of {Key, Value} as a mapping."""
    return {pair["Key"]: pair.get("Value", "") for pair in pairs or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The inverse of `tags_of`."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
