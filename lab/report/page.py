"""The frame of every report: a page that stands for itself, and cards for single numbers."""

from collections.abc import Iterable
from html import escape

from lab.report.style import CSS


def page(title: str, body: str) -> str:
    """`body` is HTML; `title` is text."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{CSS}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""


def card(title: str, text: str, kind: str = "") -> str:
    """`much` as kind is a card as wide as the page. Text, not HTML."""
    return f'<div class="card {kind}"><span class="soft">{escape(title)}</span><b>{escape(text)}</b></div>'


def cards(of: Iterable[str]) -> str:
    return f'<div class="cards">{"".join(of)}</div>'
