"""The rules of direction (docs/decisions and the architecture): who imports whom, who reads a clock, what a row is.

Imports are read from the syntax tree, so an import inside a function counts, one for type checkers only does not.
"""

import ast
import dataclasses
import re
import sys
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any

import pytest

from lab.adapters.store import SqliteStore
from lab.rows import ROWS

ROOT = Path(__file__).parent.parent
LONGEST = 400
COMPOSITION_ROOTS = (
    "lab.main",
    "lab.composition",
    "lab.cli",
    "lab.simulate",
    "services.lb.main",
    "services.lb.__main__",
)


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))


@dataclass(frozen=True)
class Import:
    module: Module
    name: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.name}"


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for path in sorted([*(ROOT / "lab").rglob("*.py"), *(ROOT / "services").rglob("*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(), str(path))))
    return tuple(found)


def names() -> set[str]:
    return {module.name for module in modules()}


def imports(module: Module) -> Iterator[Import]:
    """What the module imports at run time, each by its full name; `from package import module` is that module."""
    for node in _running(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively"
            source = node.module or ""
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield Import(module, inner if inner in names() else source, node.lineno)


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def ours(name: str) -> bool:
    return within(name, ("lab", "services"))


def inside(package: str) -> list[Module]:
    found = [module for module in modules() if within(module.name, (package,))]
    assert found, f"there is no {package}"
    return found


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("lab.main", "lab.adapters.store"),
        ("lab.control.loop", "lab.core.elbv2.report"),
        ("lab.control.autoscaling.groups", "lab.core.autoscaling.plan"),  # `from package import module as name`
        ("lab.cli.down", "lab.adapters.process"),  # inside a function
    ],
)
def test_the_walk_sees_imports(module: str, imported: str) -> None:
    [found] = [one for one in modules() if one.name == module]
    assert imported in {one.name.removesuffix(".processes") for one in imports(found)}


# Who may import whom, of our own code. `lab` itself is an empty package.
DIRECTION: dict[str, tuple[str, ...]] = {
    "lab.core": ("lab.core",),
    "lab.actions": ("lab.actions", "lab.core"),
    "lab.control": ("lab.control", "lab.actions", "lab.core"),
    "lab.adapters": ("lab.adapters", "lab.core"),
    "lab.stack": ("lab.stack", "lab.actions", "lab.core"),
    "lab.api": ("lab.api", "lab.stack", "lab.control", "lab.actions", "lab.core", "lab.readiness"),
    "lab.report": ("lab.report",),
    "lab.load": ("lab.load", "lab.report", "lab.core"),
    "lab.drill": ("lab.drill", "lab.load", "lab.report", "lab.cli.client", "lab.cli.site"),
    "services.lb": ("services.lb", "lab.core"),
    "services.app": ("services.app", "services.init.metadata", "services.init.write_files"),
    "services.init": ("services.init",),
    "services.net": ("services.net",),
}
EXCEPTIONS = {"lab.stack.service": ("lab.control",)}
"""The engine as the control plane's loop turns it."""


@pytest.mark.parametrize("package", DIRECTION)
def test_direction(package: str) -> None:
    wrong = [
        str(one)
        for module in inside(package)
        for one in imports(module)
        if ours(one.name) and not within(one.name, (*DIRECTION[package], *EXCEPTIONS.get(module.name, ())))
    ]
    assert wrong == []


IMPURE = {
    "time", "random", "logging", "asyncio", "os", "socket", "secrets", "threading", "subprocess", "pathlib", "sqlite3",
    "urllib", "http", "uuid", "io",
}  # fmt: skip


def test_the_core_is_pure() -> None:
    wrong = [
        str(one)
        for module in inside("lab.core")
        for one in imports(module)
        if not ours(one.name)
        and (one.name.split(".")[0] in IMPURE or one.name.split(".")[0] not in sys.stdlib_module_names)
    ]
    wrong += [
        f"{module}:{node.lineno} awaits"
        for module in inside("lab.core")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
    ]
    wrong += [
        f"{module}:{node.lineno} calls {node.func.id}"
        for module in inside("lab.core")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print", "input")
    ]
    assert wrong == []


def test_actions_need_botocore_and_cronsim_and_nothing_else() -> None:
    wrong = [
        str(one)
        for module in inside("lab.actions")
        for one in imports(module)
        if not ours(one.name)
        and one.name.split(".")[0] not in sys.stdlib_module_names
        and one.name.split(".")[0] not in ("botocore", "cronsim")
    ]
    assert wrong == []


def test_actions_and_reconcilers_do_no_input_or_output() -> None:
    banned = {"socket", "subprocess", "sqlite3", "urllib", "http", "pathlib", "shutil", "threading", "time", "random"}
    wrong = [
        str(one)
        for package in ("lab.actions", "lab.control", "lab.stack")
        for module in inside(package)
        for one in imports(module)
        if one.name.split(".")[0] in banned
    ]
    assert wrong == []


def test_only_composition_roots_wire_adapters() -> None:
    wrong = [
        str(one)
        for module in modules()
        if not within(module.name, (*COMPOSITION_ROOTS, "lab.adapters"))
        for one in imports(module)
        if within(one.name, ("lab.adapters",))
    ]
    assert wrong == []


def test_actions_do_not_go_round_in_circles() -> None:
    """Neither between the packages of `lab.actions`, nor between any two modules of ours."""
    graph = {module.name: {one.name for one in imports(module) if one.name in names()} for module in modules()}
    assert _cycles(graph) == []
    services: dict[str, set[str]] = {}
    for name, found in graph.items():
        if within(name, ("lab.actions",)):
            services.setdefault(_service(name), set()).update(
                _service(other) for other in found if within(other, ("lab.actions",))
            )
    for name, found in services.items():
        found.discard(name)
    services.pop("dispatch")  # it finds them all
    assert _cycles(services) == []


def _service(name: str) -> str:
    return [*name.split("."), ""][2]


def _cycles(graph: Mapping[str, set[str]]) -> list[str]:
    """One line for each cycle that a walk from each module meets first."""
    found, done = [], set[str]()

    def walk(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            found.append(" → ".join((*path[path.index(name) :], name)))
            return
        if name in done:
            return
        for other in sorted(graph.get(name, ())):
            walk(other, (*path, name))
        done.add(name)

    for name in sorted(graph):
        walk(name, ())
    return found


CLOCKS = {
    ("time", "time"), ("time", "monotonic"), ("time", "perf_counter"), ("time", "time_ns"), ("time", "monotonic_ns"),
    ("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
}  # fmt: skip
READ_A_CLOCK = (
    "lab.adapters.clock",
    "lab.adapters.process",  # the wall time of the outside: deadlines of processes, CPU samples
    "lab.adapters.docker",  # likewise, of containers
    "lab.cli",  # programs of their own, on this side of the API
    "lab.drill",
    "lab.load",
    "services.lb.main",
    "services.net.__main__",
    "services.net.check",
    "services.app",  # guest programs
    "services.init",
)


def test_only_clocks_read_the_time() -> None:
    wrong = []
    for module in modules():
        if within(module.name, READ_A_CLOCK):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if (owner, node.attr) in CLOCKS:
                    wrong.append(f"{module}:{node.lineno} reads {owner}.{node.attr}")
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                wrong.append(f"{module}:{node.lineno} imports from time")
    assert wrong == []


def test_every_module_says_what_it_is() -> None:
    assert [str(module) for module in modules() if module.tree.body and not ast.get_docstring(module.tree)] == []


def test_no_file_is_longer_than_it_should_be() -> None:
    lengths = {str(module): len(module.path.read_text().splitlines()) for module in modules()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


# Rows.


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
def test_a_row_is_a_frozen_slotted_dataclass(kind: Any) -> None:
    assert dataclasses.is_dataclass(kind)
    assert vars(kind)["__dataclass_params__"].frozen
    assert "__slots__" in vars(kind)


@pytest.mark.parametrize("kind", ROWS, ids=lambda kind: kind.__name__)
def test_a_row_comes_back_from_the_store_as_it_went_in(kind: Any, tmp_path: Path) -> None:
    row = example(kind)
    store = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    store.put(row)
    store.close()
    store = SqliteStore(tmp_path / "lab.sqlite", ROWS)
    assert store.all(kind) == [row]
    assert store.get(kind, row.key) == row
    store.close()


def test_no_two_kinds_of_row_have_the_same_name() -> None:
    assert len({kind.__name__ for kind in ROWS}) == len(ROWS)


def example(kind: Any) -> Any:
    """A value of the type, made from its annotations; every field is given."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: example(hints[field.name]) for field in dataclasses.fields(kind)})
    if origin is tuple:
        return tuple(example(one) for one in inner if one is not Ellipsis)
    if origin is UnionType or origin is typing.Union:
        return example(inner[0])
    if origin is not None and issubclass(origin, Mapping):
        return {"key": example(inner[1])}
    if kind is Any:
        return {"nested": ["value", 1, 2.5, None, True]}
    values: dict[Any, Any] = {str: "text é €", int: 7, float: 0.1 + 0.2, bool: True}
    return values[kind]


def test_the_control_planes_image_has_what_the_package_needs() -> None:
    """The image installs by name, so that a change of code makes no new layer of dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[^\w-]", one)[0] for one in project["dependencies"]}
    [line] = [
        one for one in (ROOT / "docker" / "control.Dockerfile").read_text().splitlines() if "-c requirements" in one
    ]
    assert set(line.split("-c")[0].split()) == needed
