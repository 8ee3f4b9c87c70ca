"""The front page: one file with `$names` in it, filled with escaped values. Each instance has a colour of its own."""

import html
import zlib
from collections.abc import Mapping
from pathlib import Path
from string import Template

_TEMPLATE = Path(__file__).with_name("page.html")


def render(facts: Mapping[str, object]) -> str:
    """The page for what `GET /` says in JSON."""
    # Hues 0 to 359 from the instance id: reloading shows by colour that another instance answered.
    hue = zlib.crc32(str(facts["instance_id"]).encode()) % 360
    values = {name: html.escape(str(value)) for name, value in facts.items()}
    return Template(_TEMPLATE.read_text("utf-8")).substitute(values, hue=str(hue))
