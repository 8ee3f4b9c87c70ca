"""The values of one field, found in a head without reading the others. For heads that `request_head` has accepted."""

import re


class FieldValues:
    """`name` in any case. Made once per name; `of` may be asked about any head."""

    __slots__ = ("_find",)

    def __init__(self, name: bytes) -> None:
        self._find = re.compile(rb"\r\n%b:[ \t]*([^\r\n]*)" % re.escape(name), re.IGNORECASE).findall

    def of(self, head: bytes) -> list[bytes]:
        """One value per line, in the order of the lines, without white space around it. The first line of `head` is the
        request's or status line."""
        values: list[bytes] = self._find(head)
        return [value.rstrip(b" \t") for value in values]
