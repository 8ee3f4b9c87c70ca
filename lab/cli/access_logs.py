"""`lab access-logs`: the newest entries of the load balancers' logs, out of the buckets they are delivered to."""

import gzip
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import click

from lab.cli import client

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_FIELD = re.compile(r'"([^"]*)"|(\S+)')
_END = re.compile(r"_(\d{8}T\d{4}Z)_[^_]+_[^_]+\.log\.gz$")
_POLL_SECONDS = 1.0
_HOW = (
    "no load balancer of the lab writes {name}: switch it on with `aws elbv2 modify-load-balancer-attributes "
    "--load-balancer-arn … --attributes Key={key}.s3.enabled,Value=true Key={key}.s3.bucket,Value=my-logs`"
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a load balancer's log lies: `folder` is the keys' beginning up to the date, `start` that of the file's name."""

    bucket: str
    folder: str
    start: str


@click.command(help="Show the newest entries of the load balancers' access logs, oldest first.")
@click.option("--last", default=20, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option("--follow", is_flag=True, help="Go on as files are delivered, every five lab minutes; Ctrl-C ends it.")
@click.option("--connection", is_flag=True, help="Connection logs instead of access logs.")
@click.option("--raw", is_flag=True, help="The lines as they are in the files.")
def command(last: int, follow: bool, connection: bool, raw: bool) -> None:
    sources = _sources("connection_logs" if connection else "access_logs", "conn_log_" if connection else "")
    if not sources:
        what, key = ("connection logs", "connection_logs") if connection else ("access logs", "access_logs")
        raise click.ClickException(_HOW.format(name=what, key=key))
    column = 0 if connection else 1
    seen: set[tuple[str, str]] = set()
    lines = newest(_files(sources, seen), last, column)
    if not lines and not follow:
        click.echo("nothing has been delivered yet: files come at the end of every five lab minutes", err=True)
    while True:
        for line in lines:
            click.echo(line if raw else connection_row(line) if connection else access_row(line))
        if not follow:
            return
        time.sleep(_POLL_SECONDS)
        lines = sorted((line for _, text in _files(sources, seen) for line in text), key=lambda one: _time(one, column))


def newest(files: Iterable[tuple[str, list[str]]], count: int, column: int) -> list[str]:
    """The last `count` lines, oldest first. `files` are (end of interval, lines), newest first; no more of them are taken
    than are needed: lines of another interval come before all of a later one."""
    found: list[str] = []
    latest = ""
    for end, lines in files:
        if len(found) >= count and end != latest:
            break
        found += lines
        latest = end
    return sorted(found, key=lambda line: _time(line, column))[-count:]


def access_row(line: str) -> str:
    """The time, the two statuses, seconds, the request, the target, and a reason where there is one."""
    field = _fields(line)
    waits = [float(wait) for wait in field[5:8]]
    seconds = f"{sum(waits):.3f} s" if min(waits) >= 0 else "–"
    method, _, rest = field[12].partition(" ")
    url = rest.rpartition(" ")[0]
    reason = " ".join(text for text in (field[24], *field[27:29]) if text != "-")
    colour = "red" if field[8] >= "500" else "yellow" if field[8] >= "400" else "green"
    status = f"{click.style(field[8], fg=colour)} {field[9]:>3}"
    return f"{_clock(field[1])}  {status}  {seconds:>9}  {method:<6} {url}  {field[3]} → {field[4]}  {reason}".rstrip()


def connection_row(line: str) -> str:
    """The time, the client, the listener's port, TLS, and how the client's certificate was found."""
    field = _fields(line)
    tls = "no TLS" if field[4] == "-" else f"{field[4]} {field[5]} in {field[6]} s"
    subject = "" if field[7] == "-" else f"  {field[7]}"
    status = "" if field[10] == "-" else f"  {field[10]}"
    return f"{_clock(field[0])}  {field[1]}:{field[2]} → :{field[3]}  {tls}{subject}{status}"


def _fields(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in _FIELD.findall(line)]


def _time(line: str, column: int) -> str:
    return line.split(" ", column + 1)[column]


def _clock(stamp: str) -> str:
    """`2018-07-02T22:23:00.186641Z` → `22:23:00.186`"""
    return stamp[11:23]


def _sources(log: str, start: str) -> list[Source]:
    found = []
    for balancer in client.aws("elbv2", "DescribeLoadBalancers")["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        rows = client.aws("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn)["Attributes"]
        attributes = {row["Key"]: row["Value"] for row in rows}
        if attributes.get(f"{log}.s3.enabled") != "true":
            continue
        _, _, _, region, account, name = arn.split(":", 5)
        prefix = attributes.get(f"{log}.s3.prefix", "").strip("/")
        folder = "/".join((*filter(None, (prefix,)), "AWSLogs", account, "elasticloadbalancing", region, ""))
        short = name.removeprefix("loadbalancer/").replace("/", ".")
        file = f"{start}{account}_elasticloadbalancing_{region}_{short}_"
        found.append(Source(attributes[f"{log}.s3.bucket"], folder, file))
    return found


def _files(sources: list[Source], seen: set[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """The files that are not `seen` yet, newest first: when their interval ended, and their lines. From now on they are."""
    keys = [(source.bucket, key) for source in sources for key in _keys(source) if (source.bucket, key) not in seen]
    seen.update(keys)
    for bucket, key in sorted(keys, key=lambda one: _end(one[1]), reverse=True):
        yield _end(key), gzip.decompress(client.fetch(f"/{bucket}/{quote(key)}")).decode().splitlines()


def _end(key: str) -> str:
    found = _END.search(key)
    return "" if found is None else found[1]


def _keys(source: Source) -> Iterator[str]:
    """Of the last two days."""
    from xml.etree.ElementTree import fromstring

    now = datetime.now(UTC)
    # An interval may end tomorrow; the set keeps a day from being asked twice.
    days = {f"{now + shift:%Y/%m/%d}" for shift in (timedelta(days=-1), timedelta(), timedelta(minutes=10))}
    for day in days:
        prefix, token = f"{source.folder}{day}/{source.start}", ""
        while True:
            page = fromstring(client.fetch(f"/{source.bucket}?list-type=2&prefix={quote(prefix)}{token}"))
            yield from (text for row in page.iter(f"{NAMESPACE}Key") if (text := row.text))
            following = page.findtext(f"{NAMESPACE}NextContinuationToken")
            if following is None:
                break
            token = f"&continuation-token={quote(following)}"
