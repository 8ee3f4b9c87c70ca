"""The picture `lab status` draws: one table per kind of thing, at most as wide as the terminal."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

COLOURS = {
    "InService": "green", "healthy": "green", "active": "green", "available": "green", "running": "green", "OK": "green",
    "Successful": "green", "CREATE_COMPLETE": "green", "UPDATE_COMPLETE": "green",
    "Pending": "yellow", "initial": "yellow", "draining": "yellow", "Terminating": "yellow", "provisioning": "yellow",
    "creating": "yellow", "rebooting": "yellow", "INSUFFICIENT_DATA": "dim", "PreInService": "yellow",
    "Warmed:Stopped": "green", "Warmed:Running": "green", "Warmed:Hibernated": "green",
    "Baking": "yellow", "Cancelled": "dim", "RollbackSuccessful": "green", "RollbackFailed": "red",
    "InProgress": "yellow", "WaitingForELBConnectionDraining": "yellow",
    "unhealthy": "red", "unused": "red", "failed": "red", "active_impaired": "red", "ALARM": "red", "Failed": "red",
}  # fmt: skip
BARS = " ▁▂▃▄▅▆▇█"


def render(document: dict[str, Any], width: int, warning: str = "") -> RenderableType:
    """The whole status as one renderable, with a warning above it when there is one."""
    parts: list[RenderableType] = [Text(warning, style="bold red")] if warning else []
    parts.append(_head(document))
    parts += [_nodes(balancer) for balancer in document["load_balancers"]]
    for group in document["groups"]:
        parts += [_instances(group), *_refresh(group["refresh"]), *_warm_pool(group["warm_pool"])]
    if document["instances"]:
        parts.append(_lone(document["instances"], width))
    if document["databases"]:
        parts.append(_databases(document["databases"], width))
    if document["alarms"]:
        parts.append(_alarms(document["alarms"], width))
    parts += _last_decision(document["decisions"])
    if document["activities"]:
        parts.append(_activities(document["activities"], width))
    return Group(*parts)


def _head(document: dict[str, Any]) -> Text:
    clock = datetime.fromtimestamp(document["now"], UTC)
    text = Text(f"lab on {document['compute']}, lab time {clock:%H:%M:%S} at {document['speed']:g}×", style="bold")
    for stack in document["stacks"]:
        text.append(f"   stack {stack['name']} ", style="not bold").append(_state(stack["status"]))
    if document["router_problem"]:
        text.append(f"\nnothing leaves the VPC: {document['router_problem']}", style="bold red")
    if document["engine_problem"]:
        text.append(f"\nthe compute engine cannot be asked: {document['engine_problem']}", style="bold red")
    if document["resolver_problem"]:
        text.append(f"\nDNS is not served: {document['resolver_problem']}", style="yellow")
    if document["failed_zones"]:
        text.append(f"\nfailed on purpose: {', '.join(document['failed_zones'])}", style="bold red")
    return text


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in columns:
        right = column in ("CPU", "req/s", "age", "value")
        table.add_column(
            column, justify="right" if right else "left", header_style="dim", no_wrap=True, overflow="ellipsis"
        )
    return table


def _zone(name: str) -> str:
    """`us-east-1a` → `1a`: one region, and every column counts."""
    return name.rpartition("-")[2]


def _state(name: str) -> Text:
    return Text(name, style=COLOURS.get(name, "yellow"))


def _nodes(balancer: dict[str, Any]) -> RenderableType:
    title = Text.assemble(f"\nload balancer {balancer['name']}  ", _state(balancer["state"]), f"  {balancer['reason']}")
    table = _table("", "zone", "node", "state", "req/s", "url")
    table.title = title
    for node in balancer["nodes"]:
        state = _state("active" if node["live"] else "silent")
        table.add_row(_zone(node["zone"]), node["id"], state, f"{node['rate']:.0f}", "\n".join(node["urls"]))
    return table


def _instances(group: dict[str, Any]) -> RenderableType:
    cpu = "" if group["cpu"] is None else f", CPU {group['cpu']:.0f} %"
    title = f"\ngroup {group['name']}  desired {group['desired']} (min {group['min']}, max {group['max']}){cpu}"
    # Which version an instance has is of interest while versions change.
    version = ["v"] if group["refresh"] is not None else []
    table = _table(title, "zone", "instance", *version, "lifecycle", "target", "CPU", "req/s", "age")
    for row in sorted(group["instances"], key=lambda row: (row["zone"], -row["age"])):
        table.add_row(
            _zone(row["zone"]), row["id"], *(str(row["version"]) for _ in version), _state(row["lifecycle"]),
            _state(row["target"] or "–"), _cpu(row["cpu"]), f"{row['rate']:.0f}", duration(row["age"]),
        )  # fmt: skip
    return table


def _refresh(refresh: dict[str, Any] | None) -> list[RenderableType]:
    """How far the group's instance refresh is, and what it waits for."""
    if refresh is None:
        return []
    text = Text("instance refresh ", style="bold").append(_state(refresh["status"]))
    text.append(f"  {refresh['percentage']} %, {refresh['to_update']} to update", style="not bold")
    if refresh["pool"] is not None:
        live, pool = refresh["live"], refresh["pool"]
        text.append(f" (group {live['percentage']} %, warm pool {pool['percentage']} %)", style="not bold")
    text.append(f"  for {duration(refresh['since'])}", style="dim")
    why = [reason for reason in (refresh["rollback"], refresh["reason"]) if reason]
    return [text, *(Text(reason, style="dim") for reason in why)]


def _warm_pool(pool: dict[str, Any] | None) -> list[RenderableType]:
    if pool is None:
        return []
    state = "being deleted" if pool["deleting"] else f"{pool['state']}, {pool['wanted']} wanted"
    table = _table(f"warm pool  {state}", "zone", "instance", "lifecycle", "machine", "version", "age")
    for row in sorted(pool["instances"], key=lambda row: (row["zone"], -row["age"])):
        table.add_row(
            _zone(row["zone"]),
            row["id"],
            _state(row["lifecycle"]),
            row["state"],
            str(row["version"]),
            duration(row["age"]),
        )
    return [table]


def _cpu(value: float | None) -> Text:
    if value is None:
        return Text("–", style="dim")
    bar = BARS[min(8, round(value / 12.5))]
    return Text(f"{bar} {value:3.0f} %", style="red" if value > 80 else "")


def _lone(rows: list[dict[str, Any]], width: int) -> RenderableType:
    table = _table("\ninstances of no group", "zone", "instance", "name", "state", "CPU", "age", "address")
    table.columns[6].max_width = max(12, width - 70)
    for row in sorted(rows, key=lambda row: (row["zone"], -row["age"])):
        address = (
            row["reason"] if row["state"] != "running" else ", ".join(filter(None, (row["address"], row["public"])))
        )
        table.add_row(
            _zone(row["zone"]), row["id"], row["name"] or "–", _state(row["state"]), _cpu(row["cpu"]), duration(row["age"]),
            address,
        )  # fmt: skip
    return table


def _databases(rows: list[dict[str, Any]], width: int) -> RenderableType:
    table = _table("\ndatabase", "zone", "identifier", "status", "endpoint")
    table.columns[3].max_width = max(12, width - 50)
    for row in rows:
        table.add_row(_zone(row["zone"]), row["id"], _state(row["status"]), row["endpoint"] or row["reason"])
    return table


def _alarms(rows: list[dict[str, Any]], width: int) -> RenderableType:
    table = _table("\nalarms", "state", "for", "value", "condition")
    table.columns[3].max_width = max(12, width - 42)
    for row in rows:
        table.add_row(_state(row["state"]), duration(row["since"]), _value(row["value"]), row["condition"])
    return table


def _value(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def _last_decision(rows: list[dict[str, Any]]) -> list[RenderableType]:
    """The arithmetic behind the last change of a desired capacity."""
    changes = [row for row in rows if row["from"] != row["to"]]
    if not changes:
        return []
    last = changes[-1]
    at = datetime.fromtimestamp(last["at"], UTC)
    head = Text(f"\nlast decision, {at:%H:%M:%S}: ", style="bold")
    return [head.append(f"desired {last['from']} → {last['to']}: {last['why']}", style="not bold")]


def _activities(rows: list[dict[str, Any]], width: int) -> RenderableType:
    table = _table("\nlast activities", "at", "status", "what and why")
    table.columns[2].no_wrap = False
    table.columns[2].max_width = max(40, width - 30)
    for row in rows[:6]:
        at = datetime.fromtimestamp(row["start"], UTC)
        why = row["cause"].split("  ")[0].partition("Z ")[2]
        table.add_row(f"{at:%H:%M:%S}", _state(row["status"]), f"{row['description']}: {why}")
    return table


def duration(seconds: float) -> str:
    """12 s, 3 m, 2 h 5 m: lab time, for people."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    return f"{minutes} m" if minutes < 100 else f"{minutes // 60} h {minutes % 60} m"
