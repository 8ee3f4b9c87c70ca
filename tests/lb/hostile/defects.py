"""Rows of the corpus that the node does not pass yet, each with its reason. A row that begins to pass fails its test (strict),
so this list can only shrink."""

import pytest

from tests.lb.hostile.case import Case

CLASSES = {
    "te-identity-cl": "identity beside Content-Length is BothTeClPresent too, and ends both connections",
    "te-three-hyphens": "Transfer---Encoding is a SuspiciousHeader, and ends both connections",
    "cl-underscore-and-real": "two lengths that differ, one disguised, are MultipleContentLength to AWS's engine",
    "te-underscore-and-real": "chunked twice, once disguised, is MultipleTransferEncodingChunked to AWS's engine",
    "name-empty-cr": "a CR within an empty-named line is BadHeader: severe, not dropped as EmptyHeader",
    "name-empty-nul": "a NUL within an empty-named line is BadHeader: severe, not dropped as EmptyHeader",
}
WHOLE_ONLY = {
    "name-empty-lf": "a bare LF in an empty-named line passes when the head comes at once, and is 400 when it comes in pieces",
    "name-empty-lf-cl": "likewise; behind it stands a whole field",
    "target-lf": "likewise within the request target (BadUri)",
}
ALWAYS = CLASSES | {
    "te-padded": "a tab around `chunked` goes on as it came, and llhttp refuses it: write framing lines anew",
    "method-connect": "CONNECT is no method a load balancer of this kind has: 405",
    "method-connect-path": "CONNECT goes to the target, which may take what follows on the pooled connection for a tunnel",
}


def rows(table: tuple[Case, ...], defects: dict[str, str]) -> list[object]:
    """The table as parameters of a test, with the defects marked."""
    return [
        pytest.param(row, id=row.name, marks=[pytest.mark.xfail(reason=defects[row.name], strict=True)])
        if row.name in defects
        else pytest.param(row, id=row.name)
        for row in table
    ]
