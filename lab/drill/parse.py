"""Drill files: YAML → a Drill, or what is wrong with it in sentences. `File` is the schema; `lab drill schema` prints it."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lab.drill.model import BOUNDS, Act, Drill, Expectation, Load
from lab.load.shapes import load_trace

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
NAME = r"^[a-z0-9][a-z0-9-]{0,40}$"


class BadDrill(ValueError):  # noqa: N818 - the name says what is the case
    """A file that is no drill; the text says what to change."""


def _seconds(value: object) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a duration: write 500ms, 20s, 5m or 1h")
    return float(match[1]) * UNITS[match[2]]


def _share(value: object) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", str(value))
    if match is None or float(match[1]) > 100:
        raise ValueError(f"{value!r} is not a share: write 0% to 100%")
    return float(match[1]) / 100


def _amount(value: float | str) -> float | str:
    if isinstance(value, str):
        load_trace(value, 0)
    elif value <= 0:
        raise ValueError("a rate is above 0")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=str)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LoadPart(_Part):
    path: Annotated[str, Field(pattern="^/")] = "/products"
    amount: Annotated[float | str, AfterValidator(_amount)] = 50.0
    every: Seconds | None = None
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    timeout: Seconds = 10.0
    slow: Seconds = 1.0


class FaultPart(_Part):
    """Of the sample application: see its /faults."""

    health: Literal["fail", "hang", "slow"]
    scope: Literal["health", "all"] = "health"
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    grow_ms: Annotated[int, Field(ge=0, le=60_000)] = 0


class ActPart(_Part):
    """`at`, and one of the others."""

    at: Seconds
    kill: Literal["instance", "database", "control"] | None = None
    fault: FaultPart | None = None
    zone: Literal["a", "b", "c"] | None = None
    capacity: Annotated[int, Field(ge=0, le=100)] | None = None
    deploy: Literal["broken", "same"] | None = None

    @model_validator(mode="after")
    def one_thing(self) -> "ActPart":
        if len(self.model_fields_set - {"at"}) != 1:
            raise ValueError("an act does one thing: kill, fault, zone, capacity or deploy")
        return self


class ExpectPart(_Part):
    lost: Share | None = None
    slow: Share | None = None
    detected: Seconds | None = None
    out: Seconds | None = None
    replaced: Seconds | None = None
    recovered: Seconds | None = None
    peak: Annotated[int, Field(ge=0)] | None = None
    replacements: Annotated[int, Field(ge=0)] | None = None
    refresh: Literal["Successful", "RollbackSuccessful", "Failed", "Cancelled"] | None = None


class KoreanPart(_Part):
    title: str
    question: str


class File(_Part):
    title: str
    question: str
    load: LoadPart = LoadPart()
    acts: list[ActPart] = []
    expect: ExpectPart
    lasts: Seconds = 20.0
    within: Seconds = 1200.0
    modes: list[Literal["docker", "process"]] = ["docker", "process"]
    korean: KoreanPart | None = None
    promise: str = ""


def read(path: Path) -> Drill:
    """Raises BadDrill, which names the file."""
    try:
        return parse(path.stem, path.read_text())
    except OSError as error:
        raise BadDrill(f"{path} cannot be read: {error.strerror}") from error
    except BadDrill as error:
        raise BadDrill(f"{path}: {error}") from error


def parse(name: str, text: str) -> Drill:
    """Raises BadDrill."""
    if re.fullmatch(NAME, name) is None:
        raise BadDrill(f"a drill's name has small letters, digits and dashes, not {name!r}")
    try:
        document = yaml.safe_load(text)
        file = File.model_validate(document)
    except yaml.YAMLError as error:
        raise BadDrill(f"not YAML: {error}") from error
    except ValidationError as error:
        raise BadDrill("; ".join(_sentence(one) for one in error.errors())) from error
    return Drill(
        name=name,
        title=file.title,
        question=file.question.strip(),
        load=Load(**file.load.model_dump()),
        acts=tuple(sorted((_act(one) for one in file.acts), key=lambda act: act.at)),
        expect=_expectation(file.expect),
        lasts=file.lasts,
        within=file.within,
        modes=tuple(file.modes),
        korean=None if file.korean is None else (file.korean.title, file.korean.question.strip()),
        promise=file.promise,
    )


def _act(part: ActPart) -> Act:
    [kind] = part.model_fields_set - {"at"}
    if part.fault is not None:
        return Act(part.at, "fault", "instance", part.fault.model_dump())
    return Act(part.at, kind, str(getattr(part, kind)))  # type: ignore[arg-type]  # a field's name is a kind


def _expectation(part: ExpectPart) -> Expectation:
    times = {name: getattr(part, name) for name in BOUNDS}
    return Expectation(
        lost=part.lost,
        slow=part.slow,
        times={name: value for name, value in times.items() if value is not None},
        peak=part.peak,
        replacements=part.replacements,
        refresh=part.refresh or "",
    )


def _sentence(error: Any) -> str:
    where = ".".join(str(one) for one in error["loc"])
    return f"{where}: {error['msg'].removeprefix('Value error, ')}" if where else str(error["msg"])
