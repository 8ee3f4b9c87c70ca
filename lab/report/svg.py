"""SVG as text: the few shapes that a chart is made of."""

from collections.abc import Iterable, Sequence
from html import escape

Point = tuple[float, float | None]
"""Pixels; a y of None is a gap."""


def text(x: float, y: float, content: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def rect(x: float, y: float, width: float, height: float, kind: str, title: str = "") -> str:
    head = f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"'
    return f"{head}><title>{escape(title)}</title></rect>" if title else f"{head}/>"


def curve(points: Iterable[Point], kind: str) -> str:
    """A line through the points, broken at gaps."""
    parts, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    return f'<path d="{"".join(parts)}" class="{kind}"/>' if parts else ""


def area(points: Sequence[Point], floor: float, kind: str) -> str:
    """What lies between a line without gaps and the floor."""
    known = [(x, floor if y is None else y) for x, y in points]
    if not known:
        return ""
    outline = "".join(f"L{x:.1f} {y:.1f}" for x, y in known)
    return f'<path d="M{known[0][0]:.1f} {floor:.1f}{outline}L{known[-1][0]:.1f} {floor:.1f}Z" class="{kind}"/>'


def mark(x: float, y: float, shape: str, kind: str, title: str) -> str:
    """`up` and `down` are triangles, `dot` a circle, each with a sentence that shows when one points at it."""
    outline = {
        "up": f'<path d="M{x - 5:.1f} {y + 4:.1f}L{x + 5:.1f} {y + 4:.1f}L{x:.1f} {y - 5:.1f}Z"/>',
        "down": f'<path d="M{x - 5:.1f} {y - 4:.1f}L{x + 5:.1f} {y - 4:.1f}L{x:.1f} {y + 5:.1f}Z"/>',
        "dot": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>',
    }[shape]
    return f'<g class="{kind}">{outline}<title>{escape(title)}</title></g>'


def drawing(width: float, height: float, parts: Iterable[str], label: str) -> str:
    body = "\n".join(filter(None, parts))
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}">\n{body}\n</svg>'
