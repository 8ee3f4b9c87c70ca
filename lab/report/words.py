"""Numbers as people write them."""


def whole(value: float) -> str:
    """12 345, with thin spaces."""
    return f"{value:,.0f}".replace(",", "\u202f")


def percent(share: float) -> str:
    """Of a share from 0 to 1; what is not nothing does not look like it."""
    value = 100.0 * share
    if value < 5e-5:
        return "0 %"
    if value >= 10.0:
        return f"{value:.0f} %"
    return f"{value:.2g} %" if value >= 0.01 else "< 0.01 %"


def seconds(value: float | None) -> str:
    """45 ms, 1.2 s, 34 s; – for none."""
    if value is None:
        return "–"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2g} s" if value < 9.95 else f"{value:.0f} s"


def hours(value: float) -> str:
    """0 s, 40 s, 12 min, 2 h 5 min, 3 d 4 h."""
    if value < 100.0:
        return f"{value:.0f} s"
    minutes = round(value / 60.0)
    if minutes < 100:
        return f"{minutes} min"
    whole_hours, left = divmod(minutes, 60)
    if whole_hours < 48:
        return f"{whole_hours} h {left} min" if left else f"{whole_hours} h"
    days, left = divmod(whole_hours, 24)
    return f"{days} d {left} h" if left else f"{days} d"


def clock(value: float) -> str:
    """A second of the trace as a time: 8:05, 8:05:30, 24:00, and after the second day 2 d 8:05."""
    hour, rest = divmod(round(value), 3600)
    days, hour = divmod(hour, 24) if hour >= 48 else (0, hour)
    minute, second = divmod(rest, 60)
    text = f"{hour}:{minute:02}" + (f":{second:02}" if second else "")
    return f"{days} d {text}" if days else text
