"""Requests that fight over where a body ends: Content-Length, Transfer-Encoding, chunks, and what hides behind them."""

from tests.lb.hostile.case import (
    BAD_CODING,
    BAD_FIELD,
    BAD_LENGTH,
    BOTH,
    CHUNKED,
    CHUNKED_TWICE,
    DISGUISED,
    EMPTY,
    EMPTY_NAME,
    FOLDED,
    GET,
    GET_LENGTH,
    HOST,
    LENGTHS,
    LOOKALIKE,
    NO_COLON,
    POST,
    SAME_LENGTHS,
    SMUGGLED,
    UNDEFINED_TE,
    ZERO_LENGTH_GET,
    case,
    head,
)

_CL5 = "Content-Length: 5"
_HELLO = b"hello"
_POST_CHUNKED = head(POST, HOST, CHUNKED)

_BOTH = (
    case("cl-te", head(POST, HOST, _CL5, CHUNKED) + EMPTY + SMUGGLED, 200, desync=BOTH),
    case("te-cl", head(POST, HOST, CHUNKED, _CL5) + EMPTY + SMUGGLED, 200, desync=BOTH),
    case("cl-0-te", head(POST, HOST, "Content-Length: 0", CHUNKED) + EMPTY + SMUGGLED, 200, desync=BOTH),
    case("te-cl-on-get", head(GET, HOST, CHUNKED, "Content-Length: 0") + EMPTY, 200, desync=UNDEFINED_TE),
    case("te-identity-cl", head(POST, HOST, "Transfer-Encoding: identity", _CL5) + _HELLO, 200, desync=BOTH),
    case("te-empty-cl", head(POST, HOST, "Transfer-Encoding:", _CL5) + _HELLO, 400, desync=BAD_CODING),
    case("te-space-cl", head(POST, HOST, "Transfer-Encoding : chunked", _CL5) + _HELLO, 400, desync=DISGUISED),
    case("te-underscore-cl", head(POST, HOST, "Transfer_Encoding: chunked", _CL5) + _HELLO, 400, desync=DISGUISED),
    case("te-in-10-cl", head("POST /a HTTP/1.0", HOST, CHUNKED, _CL5) + EMPTY, 400, desync=UNDEFINED_TE),
    case("te-in-10", head("POST /a HTTP/1.0", HOST, CHUNKED) + EMPTY, 400, desync=UNDEFINED_TE),
    case("te-xchunked-cl", head(POST, HOST, "Transfer-Encoding: xchunked", _CL5) + _HELLO, 501, desync=BAD_CODING),
)

_ODD_LENGTHS = {
    "plus": "+5", "minus": "-5", "minus-zero": "-0", "hex": "0x5", "octal-looks": "0o5", "exponent": "5e0", "point": "5.0",
    "list-same": "5,5", "list-same-space": "5, 5", "list-differing": "5, 6", "list-hole": "5,", "underscore": "5_0",
    "space-inside": "5 0", "tab-inside": "5\t0", "quoted": '"5"', "empty": "", "word": "five", "superscript": "\xb2",
    "arabic-digits": "\u0665".encode().decode("latin-1"), "fullwidth-digits": "\uff15".encode().decode("latin-1"),
    "19-digits": "1" * 19, "2-to-64": "18446744073709551616", "2-to-64-plus-5": "18446744073709551621",
    "10-000-digits": "9" * 10_000, "leading-vt": "\x0b5", "trailing-vt": "5\x0b", "trailing-ff": "5\x0c",
    "nbsp": "\xa05", "comma-only": ",", "semicolon": "5;q=1", "chunk-like": "5\t;",
}  # fmt: skip
"""Values of Content-Length that some reader somewhere takes for 5, 0 or anything else."""

_19 = frozenset({"19-digits"})  # more than any body, yet a number below 2^64


def _odd_length(name: str, value: str) -> bytes:
    return head(POST, HOST, f"Content-Length: {value}") + _HELLO + SMUGGLED


_LENGTH = (
    *(
        case(f"cl-{name}", _odd_length(name, value), 400, desync=None if name in _19 else BAD_LENGTH)
        for name, value in _ODD_LENGTHS.items()
    ),
    case("cl-twice-same", head(POST, HOST, _CL5, _CL5) + _HELLO + SMUGGLED, 200, desync=SAME_LENGTHS),
    case("cl-twice-differing", head(POST, HOST, _CL5, "Content-Length: 6") + _HELLO, 400, desync=LENGTHS),
    case("cl-twice-zero-first", head(POST, HOST, "Content-Length: 0", _CL5) + _HELLO, 400, desync=LENGTHS),
    case("cl-twice-spelled", head(POST, HOST, "Content-Length: 05", _CL5) + _HELLO, 200, desync=SAME_LENGTHS),
    case("cl-three-times", head(POST, HOST, _CL5, _CL5, _CL5) + _HELLO, 200, desync=SAME_LENGTHS),
    case("cl-twice-then-te", head(POST, HOST, _CL5, _CL5, CHUNKED) + EMPTY, 200, desync=SAME_LENGTHS),
    case("cl-twice-case", head(POST, HOST, _CL5, "content-length: 6") + _HELLO, 400, desync=LENGTHS),
    case("cl-twice-zero", head(POST, HOST, "Content-Length: 0", "Content-Length: 0"), 200, desync=SAME_LENGTHS),
    case("cl-leading-zeros", head(POST, HOST, "Content-Length: 0000000005") + _HELLO, 200),
    case("cl-padded", head(POST, HOST, "Content-Length: \t 5 \t") + _HELLO, 200),
    case("cl-no-space", head(POST, HOST, "Content-Length:5") + _HELLO, 200),
    case("cl-upper", head(POST, HOST, "CONTENT-LENGTH: 5") + _HELLO, 200),
    case("cl-18-digits", head(POST, HOST, "Content-Length: " + "1" * 18) + _HELLO, 400, unfinished=True),
    case("cl-underscore-name", head(POST, HOST, "Content_Length: 5"), 200, desync=LOOKALIKE),
    case("cl-underscore-and-real", head(POST, HOST, "Content_Length: 50", _CL5) + _HELLO, 400, desync=LENGTHS),
    case("cl-underscore-and-same", head(POST, HOST, "Content_Length: 5", _CL5) + _HELLO, 200, desync=LOOKALIKE),
    case("te-underscore-and-real", head(POST, HOST, "Transfer_Encoding: chunked", CHUNKED) + EMPTY, 400, desync=CHUNKED_TWICE),
    case("cl-space-name", head(POST, HOST, "Content-Length : 5") + _HELLO, 400, desync=LOOKALIKE),
    case("cl-tab-name", head(POST, HOST, "Content-Length\t: 5") + _HELLO, 400, desync=LOOKALIKE),
    case("cl-space-before", head(POST, HOST, " Content-Length: 5") + _HELLO, 400, desync=LOOKALIKE),
    case("cl-folded", head(POST, HOST, "Content-Length:", " 5") + _HELLO, 400, desync=FOLDED),
    case("cl-folded-more", head(POST, HOST, _CL5, " 0") + _HELLO, 400, desync=FOLDED),
    case("cl-two-colons", head(POST, HOST, "Content-Length:: 5") + _HELLO, 400, desync=BAD_LENGTH),
    case("cl-equals", head(POST, HOST, "Content-Length=5") + _HELLO, 400, desync=NO_COLON),
    case("cl-nul", head(POST, HOST, "Content-Length: 5\0") + _HELLO, 400, desync=BAD_FIELD),
    case("cl-cr", head(POST, HOST, "Content-Length: 5\r") + _HELLO, 400, desync=BAD_FIELD),
    case("cl-bare-cr-hides", head(POST, HOST, "X: y\rContent-Length: 5") + _HELLO, 400, desync=BAD_FIELD),
    case("cl-bare-lf-hides", head(POST, HOST, "X: y\nContent-Length: 5") + _HELLO, 400),
    case("cl-short-of-body", head(POST, HOST, "Content-Length: 3") + b"abc" + SMUGGLED, 200, 200),
    case("cl-over-smuggled", head(POST, HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED, 200),
    case("cl-missing-bytes", head(POST, HOST, _CL5) + b"abc", 400, unfinished=True),
    case("cl-garbage-after", head(POST, HOST, _CL5) + _HELLO + b"junk\r\n\r\n", 200, 400),
    case("cl-none-but-body", head(POST, HOST) + SMUGGLED, 200, 200),
    case("get-cl", head(GET, HOST, _CL5) + _HELLO, 200, desync=GET_LENGTH),
    case("get-cl-smuggled", head(GET, HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED, 200, desync=GET_LENGTH),
    case("get-cl-0", head(GET, HOST, "Content-Length: 0") + SMUGGLED, 200, 200, desync=ZERO_LENGTH_GET),
    case("head-cl", head("HEAD /a HTTP/1.1", HOST, _CL5) + _HELLO, 200, desync=GET_LENGTH),
    case("head-cl-smuggled", head("HEAD /a HTTP/1.1", HOST, f"Content-Length: {len(SMUGGLED)}") + SMUGGLED, 200,
         desync=GET_LENGTH),
    case("get-chunked", head(GET, HOST, CHUNKED) + EMPTY, 200, desync=UNDEFINED_TE),
    case("head-chunked", head("HEAD /a HTTP/1.1", HOST, CHUNKED) + EMPTY + SMUGGLED, 200, desync=UNDEFINED_TE),
    case("delete-cl", head("DELETE /a HTTP/1.1", HOST, _CL5) + _HELLO, 200),
    case("options-cl", head("OPTIONS * HTTP/1.1", HOST, _CL5) + _HELLO, 200),
    case("cl-in-10", head("POST /a HTTP/1.0", HOST, _CL5) + _HELLO, 200, closes=True),
    case("cl-in-10-pipelined", head("POST /a HTTP/1.0", HOST, _CL5) + _HELLO + SMUGGLED, 200, closes=True),
    case("cl-in-10-kept", head("POST /a HTTP/1.0", HOST, _CL5, "Connection: keep-alive") + _HELLO + SMUGGLED, 200, 200),
    case("name-empty-cl", head(POST, HOST, ": 5"), 200, desync=EMPTY_NAME),
)  # fmt: skip

_CODINGS = {
    # name: (value, status, class)
    "upper": ("CHUNKED", 200, None),
    "mixed": ("cHuNkEd", 200, None),
    "padded": (" \t chunked \t", 200, None),
    "no-space": ("chunked", 200, None),
    "junk-before": ("xchunked", 501, BAD_CODING),
    "junk-after": ("chunkedx", 501, BAD_CODING),
    "word-after": ("chunked x", 501, BAD_CODING),
    "parameter": ("chunked;a=b", 501, None),
    "quoted": ('"chunked"', 501, BAD_CODING),
    "gzip": ("gzip", 501, None),
    "gzip-chunked": ("gzip, chunked", 501, None),
    "chunked-identity": ("chunked, identity", 501, None),
    "identity-chunked": ("identity, chunked", 501, None),
    "chunked-gzip": ("chunked, gzip", 501, None),
    "list-twice": ("chunked, chunked", 400, CHUNKED_TWICE),
    "list-hole": ("chunked,", 400, BAD_CODING),
    "list-hole-first": (",chunked", 400, BAD_CODING),
    "empty": ("", 400, BAD_CODING),
    "comma": (",", 400, BAD_CODING),
    "vt-before": ("\x0bchunked", 400, BAD_CODING),
    "vt-after": ("chunked\x0b", 400, BAD_CODING),
    "ff-before": ("\x0cchunked", 400, BAD_CODING),
    "nul-after": ("chunked\0", 400, BAD_FIELD),
    "nbsp-after": ("chunked\xa0", 501, BAD_CODING),
    "kelvin": ("chun\u212aed".encode().decode("latin-1"), 501, BAD_CODING),
    "colon": (": chunked", 501, BAD_CODING),
    "semicolon": (";chunked", 501, BAD_CODING),
    "cow": ("cow", 501, BAD_CODING),
    "cr": ("chunked\r", 400, BAD_FIELD),
}
_CODING = (
    *(
        case(f"te-{name}", head(POST, HOST, f"Transfer-Encoding: {value}") + EMPTY, status, desync=desync)
        for name, (value, status, desync) in _CODINGS.items()
    ),
    case("te-twice", head(POST, HOST, CHUNKED, CHUNKED) + EMPTY, 400, desync=CHUNKED_TWICE),
    case("te-twice-identity", head(POST, HOST, CHUNKED, "Transfer-Encoding: identity") + EMPTY, 200),
    case("te-twice-identity-first", head(POST, HOST, "Transfer-Encoding: identity", CHUNKED) + EMPTY, 200),
    case("te-identity", head(POST, HOST, "Transfer-Encoding: identity"), 200),
    case("te-identity-body", head(POST, HOST, "Transfer-Encoding: identity") + EMPTY, 200, 400),
    case("te-twice-cow", head(POST, HOST, CHUNKED, "Transfer-Encoding: cow") + EMPTY, 501, desync=BAD_CODING),
    case("te-folded", head(POST, HOST, "Transfer-Encoding:", " chunked") + EMPTY, 400, desync=BAD_CODING),
    case("te-folded-tab", head(POST, HOST, "Transfer-Encoding:", "\tchunked") + EMPTY, 400, desync=BAD_CODING),
    case("te-folded-name", head(POST, HOST, "X: y", " Transfer-Encoding: chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-space-name", head(POST, HOST, "Transfer-Encoding : chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-tab-name", head(POST, HOST, "Transfer-Encoding\t: chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-ctl-name", head(POST, HOST, "\x01Transfer-Encoding: chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-split-name", head(POST, HOST, "Transfer- Encoding: chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-long-s-name", head(POST, HOST, "Tran\u017ffer-Encoding: chunked".encode()) + EMPTY, 400, desync=LOOKALIKE),
    case("te-8bit-name", head(POST, HOST, "Transfer-Encoding\x88: chunked") + EMPTY, 400, desync=LOOKALIKE),
    case("te-underscore-name", head(POST, HOST, "Transfer_Encoding: chunked"), 200, desync=LOOKALIKE),
    case("te-three-hyphens", head(POST, HOST, "Transfer---Encoding: chunked"), 200, desync=LOOKALIKE),
    case("te-prefixed-name", head(POST, HOST, "X-Transfer-Encoding: chunked"), 200),
    case("te-bare-cr-hides", head(POST, HOST, "X: y\rTransfer-Encoding: chunked") + EMPTY, 400, desync=BAD_FIELD),
    case("te-in-trailing-cr", head(POST, HOST, "X: y\r", CHUNKED) + EMPTY, 400, desync=BAD_FIELD),
    case("te-nominated", head(POST, HOST, CHUNKED, "Connection: Transfer-Encoding") + EMPTY + SMUGGLED, 200, 200),
    case("cl-nominated", head(POST, HOST, _CL5, "Connection: close, Content-Length") + _HELLO, 200, closes=True),
)  # fmt: skip

_CHUNKS = {
    # name: (body, statuses)
    "plain": (b"5\r\nhello\r\n0\r\n\r\n", (200,)),
    "upper-hex": (b"A\r\n0123456789\r\n0\r\n\r\n", (200,)),
    "leading-zeros": (b"0005\r\nhello\r\n0\r\n\r\n", (200,)),
    "many-zeros-end": (b"5\r\nhello\r\n0000\r\n\r\n", (200,)),
    "extension": (b"5;a=b\r\nhello\r\n0;c\r\n\r\n", (200,)),
    "extension-space": (b"5 ; a=b\r\nhello\r\n0\r\n\r\n", (200,)),
    "trailing-space": (b"5 \r\nhello\r\n0\r\n\r\n", (200,)),
    "extension-quoted-crlf": (b'5;a="\r\nhello\r\n0\r\n\r\n', (200,)),
    "extension-lf": (b"5;a\nhello\r\n0\r\n\r\n", (400,)),
    "extension-cr": (b"5;\ra\r\nhello\r\n0\r\n\r\n", (400,)),
    "extension-nul": (b"5;\0\r\nhello\r\n0\r\n\r\n", (400,)),
    "extension-smuggled": (b"5;\nGET / HTTP/1.1\r\nhello\r\n0\r\n\r\n", (400,)),
    "extension-long": (b"5;" + b"a" * 5_000 + b"\r\nhello\r\n0\r\n\r\n", (400,)),
    "hex-prefix": (b"0x5\r\nhello\r\n0\r\n\r\n", (400,)),
    "plus": (b"+5\r\nhello\r\n0\r\n\r\n", (400,)),
    "minus": (b"-5\r\nhello\r\n0\r\n\r\n", (400,)),
    "leading-space": (b" 5\r\nhello\r\n0\r\n\r\n", (400,)),
    "leading-tab": (b"\t5\r\nhello\r\n0\r\n\r\n", (400,)),
    "leading-crlf": (b"\r\n5\r\nhello\r\n0\r\n\r\n", (400,)),
    "underscore": (b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n", (400,)),
    "comma": (b"5,5\r\nhello\r\n0\r\n\r\n", (400,)),
    "vt": (b"5\x0b\r\nhello\r\n0\r\n\r\n", (400,)),
    "quoted": (b'"5"\r\nhello\r\n0\r\n\r\n', (400,)),
    "no-size": (b"\r\nhello\r\n0\r\n\r\n", (400,)),
    "only-extension": (b";a\r\nhello\r\n0\r\n\r\n", (400,)),
    "not-hex": (b"g\r\nhello\r\n0\r\n\r\n", (400,)),
    "2-to-64-plus-5": (b"10000000000000005\r\nhello\r\n0\r\n\r\n", (400,)),
    "2-to-63": (b"8000000000000000\r\nhello\r\n0\r\n\r\n", (400,)),
    "2-to-32-plus-5": (b"100000005\r\nhello\r\n0\r\n\r\n", ()),
    "size-lf": (b"5\nhello\r\n0\r\n\r\n", (400,)),
    "size-cr": (b"5\rhello\r\n0\r\n\r\n", (400,)),
    "size-crcrlf": (b"5\r\r\nhello\r\n0\r\n\r\n", (400,)),
    "data-lf": (b"5\r\nhello\n0\r\n\r\n", (400,)),
    "data-cr": (b"5\r\nhello\r0\r\n\r\n", (400,)),
    "data-no-crlf": (b"5\r\nhello0\r\n\r\n", (400,)),
    "data-too-long": (b"5\r\nhello!\r\n0\r\n\r\n", (400,)),
    "data-too-short": (b"6\r\nhello\r\n0\r\n\r\n", (400,)),
    "data-short-then-junk": (b"5\r\nhelloXX0\r\n\r\n", (400,)),
    "end-lf": (b"5\r\nhello\r\n0\n\r\n", (400,)),
    "end-lf-lf": (b"5\r\nhello\r\n0\n\n", (400,)),
    "end-crlf-lf": (b"5\r\nhello\r\n0\r\n\n", (400,)),
    "end-cr-crlf": (b"5\r\nhello\r\n0\r\n\r\r\n", (400,)),
    "end-missing": (b"5\r\nhello\r\n0\r\n", ()),
    "end-x": (b"5\r\nhello\r\n0\r\nX", ()),
    "trailer": (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", (200,)),
    "trailer-cl": (b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n", (200,)),
    "trailer-te": (b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", (200,)),
    "trailer-host": (b"5\r\nhello\r\n0\r\nHost: evil.example\r\n\r\n", (200,)),
    "trailer-xff": (b"5\r\nhello\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", (200,)),
    "trailer-no-colon": (b"5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n", (400,)),
    "trailer-folded": (b"5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n", (400,)),
    "trailer-space": (b"5\r\nhello\r\n0\r\nX : y\r\n\r\n", (400,)),
    "trailer-lf": (b"5\r\nhello\r\n0\r\nX: y\n\r\n", (400,)),
    "trailer-nul": (b"5\r\nhello\r\n0\r\nX: \0\r\n\r\n", (400,)),
    "trailer-long": (b"0\r\nX: " + b"y" * 5_000 + b"\r\n\r\n", (400,)),
    "trailers-many": (b"0\r\n" + b"X: y\r\n" * 5_000 + b"\r\n", (400,)),
    "smuggled-behind": (b"0\r\n\r\n" + SMUGGLED, (200, 200)),
    "smuggled-inside": (b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED), (200,)),
    "zero-inside": (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", (200,)),
    "empty-then-more": (b"0\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (200, 400)),
    "one-byte-each": (b"".join(b"1\r\n%c\r\n" % byte for byte in b"hello") + b"0\r\n\r\n", (200,)),
    "binary": (b"100\r\n" + bytes(range(256)) + b"\r\n0\r\n\r\n", (200,)),
}
"""After the head of a chunked request. No answer at all: bytes are missing, or are taken for a body that never ends."""

_CHUNK = tuple(
    case(f"chunk-{name}", _POST_CHUNKED + body, *(answers or (400,)), unfinished=not answers)
    for name, (body, answers) in _CHUNKS.items()
)

FRAMING = (*_BOTH, *_LENGTH, *_CODING, *_CHUNK)
"""`te-nominated` and the like: Connection may not remove what frames (see services.lb.http1.fields)."""
