"""Which rule a request meets: a table of AWS's cases, and an evaluator that asks one rule after the other."""

import ipaddress
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.core.elbv2.rules import (
    Condition,
    FixedResponse,
    HostHeader,
    HttpHeader,
    PathPattern,
    QueryString,
    RequestMethod,
    Rule,
    SourceIp,
    default_rule,
)
from services.lb.routing.matcher import Matcher
from services.lb.routing.uri import host_name, normal_path, query_pairs

OK = FixedResponse(200)


def rules(*conditions: tuple[Condition, ...]) -> list[Rule]:
    numbered = [Rule(f"rule-{index}", index + 1, each, OK) for index, each in enumerate(conditions)]
    return [*numbered, default_rule(OK)]


def meets(
    *conditions: Condition,
    method: bytes = b"GET",
    target: bytes = b"/",
    host: bytes | None = b"example.com",
    fields: bytes = b"",
    peer: bytes = b"10.0.0.1",
) -> bool:
    head = b"%b %b HTTP/1.1\r\nHost: example.com%b" % (method, target, fields)
    return Matcher(rules(conditions)).find(method, target, host, head, peer) == 0


@pytest.mark.parametrize(
    ("value", "host", "expected"),
    [
        ("example.com", b"example.com", True),
        ("Example.COM", b"example.com", True),
        ("example.com", b"example.com:8080", True),
        ("example.com", b"www.example.com", False),
        ("*.example.com", b"test.example.com", True),
        ("*.example.com", b"a.b.example.com:80", True),
        ("*.example.com", b"example.com", False),
        ("www?.example.com", b"www1.example.com", True),
        ("www?.example.com", b"www.example.com", False),
        ("*.example.*", b"a.example.org", True),
        ("*a*a*b*.com", b"aab.com", True),
        ("*a*a*b*.com", b"abab.com", True),
        ("*a*a*b*.com", b"aba.com", False),
        ("example.com", None, False),
        ("a.com", b"[::1]:80", False),
    ],
)
def test_hosts(value: str, host: bytes | None, expected: bool) -> None:
    assert meets(HostHeader((value,)), host=host) is expected


@pytest.mark.parametrize(
    ("value", "target", "expected"),
    [
        ("/img/*", b"/img/picture.jpg", True),
        ("/img/*", b"/img/", True),
        ("/img/*", b"/img", False),
        ("/img/*", b"/IMG/picture.jpg", False),
        ("/img/*", b"/img/a?x=/no", True),
        ("/img/*/pics", b"/img/a/b/pics", True),
        ("/img/*/pics", b"/img//pics", True),
        ("/img/*/pics", b"/img/pics", False),
        ("/img/*/pics", b"/img/a/pics/", False),
        ("/?", b"/a", True),
        ("/?", b"/", False),
        ("*", b"/anything", True),
        ("*.php", b"/a/b.php", True),
        ("*.php", b"/a/b.php5", False),
        ("/admin/*", b"/%61dmin/x", True),
        ("/admin/*", b"/public/../admin/x", True),
        ("/admin/*", b"/./admin/./x", True),
        ("/admin/*", b"/admin/../public", False),
        ("/admin/*", b"/admin%2Fx", False),
        ("/admin/*", b"http://example.com/admin/x", True),
        ("/", b"http://example.com", True),
        ("/a*c*e", b"/abcde", True),
        ("/a$.~\"'@:+&", b"/a$.~\"'@:+&", True),
    ],
)
def test_paths(value: str, target: bytes, expected: bool) -> None:
    assert meets(PathPattern((value,)), target=target) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (PathPattern((r"^\/api\/(.*)$",), regex=True), True),
        (PathPattern((r"^/api/v[0-9]+$",), regex=True), True),
        (PathPattern((r"^/api/v?$",), regex=True), False),
        (PathPattern((r"^/apix?/",), regex=True), True),
        (PathPattern((r"^/nothing|v1$",), regex=True), True),
        (PathPattern((r"pi/v",), regex=True), True),
        (PathPattern((r"^/API",), regex=True), False),
        (PathPattern((r"^/apiy{0}/",), regex=True), True),
        (HostHeader((r"^(.*)\.EXAMPLE\.com$",), regex=True), True),
        (HostHeader((r"^WWW\.",), regex=True), True),
        (HostHeader((r"^example",), regex=True), False),
        (HttpHeader("User-Agent", (".+",), regex=True), True),
        (HttpHeader("User-Agent", ("^MOZ",), regex=True), True),
        (HttpHeader("Accept", (".*",), regex=True), False),
    ],
)
def test_regular_expressions(condition: Condition, expected: bool) -> None:
    fields = b"\r\nUser-Agent: Mozilla/5.0"
    assert meets(condition, target=b"/api/v1", host=b"www.example.com", fields=fields) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (HttpHeader("user-agent", ("*chrome*", "*SAFARI*")), True),
        (HttpHeader("X-Two", ("second",)), True),
        (HttpHeader("X-Two", ("first",)), True),
        (HttpHeader("X-Two", ("first, second",)), False),
        (HttpHeader("X-Empty", ("*",)), True),
        (HttpHeader("X-Empty", ("",)), True),
        (HttpHeader("X-None", ("*",)), False),
        (HttpHeader("Two", ("*",)), False),
        (HttpHeader("X.Two", ("*",)), False),
    ],
)
def test_fields(condition: Condition, expected: bool) -> None:
    fields = b"\r\nX-Two: first\r\nUser-Agent: x Safari/1 \r\nx-two:\tsecond \r\nX-Empty:"
    assert meets(condition, fields=fields) is expected


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((("version", "v1"),), True),
        ((("VERSION", "V1"),), True),
        ((("version", "v2"),), False),
        (((None, "*example*"),), True),
        (((None, "example"),), False),
        ((("other", "x"), ("version", "v?")), True),
        ((("ver*", "v1"),), True),
        ((("version", "v1=*"),), False),
        (((None, "b=c"),), True),
        ((("a", "b=c"),), True),
        ((("a=b", "c"),), False),
        ((("flag", ""),), True),
        ((("flag", "*"),), True),
        (((None, "what?"),), True),
        (((None, r"what\?"),), True),
        (((None, r"\*what?"),), False),
        (((None, r"5\*5"),), True),
        (((None, r"5\*6"),), False),
        (((None, r"back\slash"),), True),
        ((("l", "le*n"),), True),
    ],
)
def test_queries(pairs: tuple[tuple[str | None, str], ...], expected: bool) -> None:
    target = b"/?version=v1&q=an%65xampleb&a=b=c&flag&w=what?&m=5*5&s=back\\slash&l=le%2an#version=v2"
    assert meets(QueryString(pairs), target=target) is expected
    assert not meets(QueryString(pairs), target=b"/")


def test_methods_are_exact() -> None:
    assert meets(RequestMethod(("GET", "CUSTOM-METHOD")), method=b"CUSTOM-METHOD")
    assert not meets(RequestMethod(("GET",)), method=b"get")
    assert not meets(RequestMethod(("GET",)), method=b"HEAD")


@pytest.mark.parametrize(
    ("block", "peer", "expected"),
    [
        ("10.0.0.0/8", b"10.255.0.1", True),
        ("10.0.0.0/8", b"11.0.0.1", False),
        ("10.0.0.7/32", b"10.0.0.7", True),
        ("0.0.0.0/0", b"1.2.3.4", True),
        ("0.0.0.0/0", b"fd00::1", False),
        ("fd00::/8", b"fd12::1", True),
        ("::/0", b"10.0.0.1", False),
        ("10.0.0.0/8", b"::ffff:10.0.0.1", True),
        ("fe80::/10", b"fe80::1%eth0", True),
    ],
)
def test_source_addresses(block: str, peer: bytes, expected: bool) -> None:
    assert meets(SourceIp(("192.168.0.0/16", block)), peer=peer) is expected


def test_all_conditions_must_hold_and_any_value_of_one_will_do() -> None:
    both = (PathPattern(("/a", "/b")), HttpHeader("X", ("1",)))
    assert meets(*both, target=b"/b", fields=b"\r\nX: 1")
    assert not meets(*both, target=b"/b", fields=b"\r\nX: 2")
    assert not meets(*both, target=b"/c", fields=b"\r\nX: 1")


def test_several_conditions_on_one_field_must_all_hold() -> None:
    both = (
        HttpHeader("X", ("*1*",)),
        HttpHeader("x", ("*2*",)),
        QueryString(((None, "a"),)),
        QueryString(((None, "b"),)),
    )
    assert meets(*both, fields=b"\r\nX: 12", target=b"/?x=a&y=b")
    assert meets(*both, fields=b"\r\nX: 1\r\nX: 2", target=b"/?x=a&y=b")
    assert not meets(*both, fields=b"\r\nX: 1", target=b"/?x=a&y=b")
    assert not meets(*both, fields=b"\r\nX: 12", target=b"/?x=a")


def test_the_first_rule_wins_and_the_default_rule_is_last() -> None:
    matcher = Matcher(rules((PathPattern(("/a/*",)),), (PathPattern(("/*",)),), (HostHeader(("x.com",)),)))
    found = [matcher.find(b"GET", target, host, b"", b"10.0.0.1") for target, host in
             [(b"/a/1", b"x.com"), (b"/b", b"x.com"), (b"*", b"x.com"), (b"*", b"y.com")]]  # fmt: skip
    assert found == [0, 1, 2, 3]


def test_a_condition_without_values_is_never_met() -> None:
    for condition in (
        HostHeader(()),
        PathPattern(()),
        RequestMethod(()),
        HttpHeader("X", ()),
        QueryString(()),
        SourceIp(()),
    ):
        assert not meets(condition, target=b"/?a=b", fields=b"\r\nX: 1")


def test_wildcards_take_no_longer_than_the_text() -> None:
    """With backtracking this would take 10^20 steps; the test ends or it does not."""
    long = b"/" + b"a" * 10_000
    for pattern in ("*a*a*a*a*b", "/a*a*a*a*a?b", "*b*b*b*b*b*"):
        assert not meets(PathPattern((pattern,)), target=long)
    assert not meets(QueryString((("*a*a*a*a*b", "x"),)), target=b"/?" + b"a" * 10_000 + b"=x")


def test_memos_are_bounded_and_do_not_change_answers() -> None:
    matcher = Matcher(rules((HostHeader(("h7.com",)), PathPattern(("/7*",))), (SourceIp(("10.0.7.0/24",)),)))

    def find(number: int) -> int:
        peer = b"10.0.%d.1" % (number % 256)
        return matcher.find(b"GET", b"/%d" % number, b"h%d.com" % number, b"", peer)

    first = [find(number) for number in range(6000)]
    assert [find(number) for number in range(6000)] == first
    assert first[7] == 0
    assert first[256 + 7] == 1
    assert len(matcher._memo_paths) <= 2048
    assert len(matcher._memo_hosts) <= 2048
    assert len(matcher._memo_peers) <= 2048


# Against an evaluator that takes rules literally, one after the other.


def glob(pattern: str, text: str, *, escapes: bool = False) -> bool:
    @cache
    def at(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if escapes and pattern[i] == "\\" and pattern[i + 1 : i + 2] in ("*", "?"):
            return j < len(text) and text[j] == pattern[i + 1] and at(i + 2, j + 1)
        if pattern[i] == "*":
            return at(i + 1, j) or (j < len(text) and at(i, j + 1))
        return j < len(text) and pattern[i] in ("?", text[j]) and at(i + 1, j + 1)

    return at(0, 0)


def text_meets(value: str, regex: bool, text: str, *, case: bool) -> bool:
    if regex:
        return re.search(value, text, 0 if case else re.IGNORECASE) is not None
    return glob(value, text) if case else glob(value.lower(), text.lower())


def holds(condition: Condition, method: str, target: str, host: str, fields: list[tuple[str, str]], peer: str) -> bool:
    match condition:
        case HostHeader(values, regex):
            return any(text_meets(value, regex, host_name(host.encode()).decode(), case=False) for value in values)
        case PathPattern(values, regex):
            path = normal_path(target.partition("?")[0].encode()).decode()
            return any(text_meets(value, regex, path, case=True) for value in values)
        case HttpHeader(name, values, regex):
            return any(
                text_meets(value, regex, text, case=False)
                for field, text in fields
                if field.lower() == name.lower()
                for value in values
            )
        case RequestMethod(values):
            return method in values
        case QueryString(values):
            return any(
                (key is None or glob(key.lower(), found.decode(), escapes=True))
                and glob(value.lower(), text.decode(), escapes=True)
                for found, text in query_pairs(target.encode())
                for key, value in values
            )
        case SourceIp(values):
            return any(ipaddress.ip_address(peer) in ipaddress.ip_network(value) for value in values)


def some(*choices: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=3).map(tuple)


GLOBS = st.text("ab/.*?", max_size=6)
REGEXES = st.sampled_from(["^/a", "^/a*", "^/ab?/", "b$", "^/a|b", "^/(a|b)", r"^\/a\.", "[ab]+", "^/a{0}b"])
VALUES = st.lists(GLOBS, min_size=1, max_size=3).map(tuple)
QUERY = st.text(r"aB*?\\", max_size=4)
CONDITIONS: st.SearchStrategy[Condition] = st.one_of(
    st.builds(HostHeader, VALUES),
    st.builds(PathPattern, VALUES),
    st.builds(PathPattern, VALUES.map(lambda values: tuple("/" + value for value in values))),
    st.builds(PathPattern, st.lists(REGEXES, min_size=1, max_size=2).map(tuple), st.just(True)),
    st.builds(HttpHeader, st.sampled_from(["X", "y", "Z-z"]), VALUES),
    st.builds(RequestMethod, some("GET", "POST", "get")),
    st.builds(QueryString, st.lists(st.tuples(st.one_of(st.none(), QUERY), QUERY), min_size=1, max_size=2).map(tuple)),
    st.builds(SourceIp, some("10.0.0.0/8", "10.1.0.0/16", "fd00::/8", "0.0.0.0/0")),
)
TARGETS = st.builds(
    lambda path, query: "/" + path + query,
    st.text("ab/.", max_size=6) | st.sampled_from(["%61", "b/../a", "a%2fb", "a/.", "../b"]),
    st.just("") | st.lists(st.text("aAbB=*?\\", max_size=5), max_size=3).map(lambda members: "?" + "&".join(members)),
)


def kind(condition: Condition) -> object:
    """Equal for two conditions that a rule must not have both."""
    several = isinstance(condition, HttpHeader | QueryString)
    return object() if several else type(condition)


@settings(deadline=None)
@given(
    conditions=st.lists(st.lists(CONDITIONS, min_size=1, max_size=3, unique_by=kind).map(tuple), max_size=8),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    target=TARGETS,
    host=st.text("ab.", max_size=5),
    fields=st.lists(st.tuples(st.sampled_from(["X", "x", "Y", "z-Z"]), st.text("abAB./", max_size=4)), max_size=3),
    peer=st.sampled_from(["10.0.0.1", "10.1.2.3", "172.16.0.1", "fd00::1"]),
)
def test_rules_are_met_as_one_by_one(
    conditions: list[tuple[Condition, ...]],
    method: str,
    target: str,
    host: str,
    fields: list[tuple[str, str]],
    peer: str,
) -> None:
    expected = next(
        (
            index
            for index, each in enumerate(conditions)
            if all(holds(condition, method, target, host, fields, peer) for condition in each)
        ),
        len(conditions),
    )
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)])
    matcher = Matcher(rules(*conditions))
    for _ in range(2):  # the second time from the memos
        found = matcher.find(method.encode(), target.encode(), host.encode(), head.encode(), peer.encode())
        assert found == expected
