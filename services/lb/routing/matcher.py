"""Which rule of a listener a request meets (alb:listener-rules, alb:rule-condition-types). Pure.

All rules are asked at once. Bit i of a mask stands for rule i, in the order they are tried; for each thing conditions look at
there is a `Dimension` that says, by dictionaries keyed by literal texts, which rules a text satisfies. The masks of all
dimensions are ANDed and the lowest bit wins; the default rule has no conditions, so a bit is always left. The cost does
not depend on the number of rules, but on the number of different lengths of their literal starts.

A rule may have several conditions on one field or on the query: the k-th ones of all rules form a dimension. Fields, query
and source address are looked at only when the rule that would win has a condition on them.

Rules: hosts without port and case; paths normalised (`services.lb.routing.uri`), without query, by case; methods exactly; field
values without case, a repeated field by any of its lines; query pairs without case; the peer's own address by CIDR.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

from lab.core.elbv2.rules import HostHeader, HttpHeader, PathPattern, QueryString, RequestMethod, Rule, SourceIp
from services.lb.http1.fieldvalues import FieldValues
from services.lb.routing.patterns import NUL, Kind, Pattern, Test, expression, wildcard, wildcard_pair
from services.lb.routing.uri import host_name, normal_path, query_pairs

_MEMO_ENTRIES: Final = 2048
_MEMO_KEY_BYTES: Final = 256


class _Start:
    """Patterns that begin with the same literal text."""

    __slots__ = ("mask", "tests")

    def __init__(self) -> None:
        self.mask = 0
        self.tests: list[tuple[Test, int]] = []


class Dimension:
    """One thing that conditions look at. `readers` are the rules that have such a condition."""

    __slots__ = ("_ends", "_starts", "_whole", "readers")

    def __init__(self) -> None:
        self.readers = 0
        self._whole: dict[bytes, int] = {}
        self._starts: dict[int, dict[bytes, _Start]] = {}
        self._ends: dict[int, dict[bytes, int]] = {}

    def add(self, bit: int, pattern: Pattern) -> None:
        """The caller has put `bit` among the readers: a condition without values is never met."""
        literal = pattern.literal
        if pattern.kind is Kind.WHOLE:
            self._whole[literal] = self._whole.get(literal, 0) | bit
        elif pattern.kind is Kind.END:
            ends = self._ends.setdefault(len(literal), {})
            ends[literal] = ends.get(literal, 0) | bit
        else:
            start = self._starts.setdefault(len(literal), {}).setdefault(literal, _Start())
            if pattern.test is None:
                start.mask |= bit
            else:
                start.tests.append((pattern.test, bit))

    def met(self, text: bytes) -> int:
        """The rules among `readers` that `text` satisfies."""
        mask = self._whole.get(text, 0)
        for length, starts in self._starts.items():
            start = starts.get(text[:length])
            if start is not None:
                mask |= start.mask
                for test, bit in start.tests:
                    if not mask & bit and test(text) is not None:
                        mask |= bit
        for length, ends in self._ends.items():
            mask |= ends.get(text[-length:], 0)
        return mask


class _FieldDimension:
    __slots__ = ("dimension", "values")

    def __init__(self, name: bytes) -> None:
        self.values = FieldValues(name)
        self.dimension = Dimension()


class _QueryDimension:
    __slots__ = ("pairs", "readers", "values")

    def __init__(self) -> None:
        self.readers = 0
        self.pairs = Dimension()
        self.values = Dimension()

    def met(self, pairs: list[tuple[bytes, bytes]]) -> int:
        met = 0
        if self.pairs.readers:
            for key, value in pairs:
                met |= self.pairs.met(key + NUL + value)
        if self.values.readers:
            for _, value in pairs:
                met |= self.values.met(value)
        return met


class Matcher:
    """Compiled from a listener's rules. Raises re.error or ValueError for a regular expression or CIDR block that is none."""

    __slots__ = (
        "_any_method",
        "_every",
        "_fields",
        "_hosts",
        "_lazy",
        "_memo_hosts",
        "_memo_paths",
        "_memo_peers",
        "_methods",
        "_networks",
        "_paths",
        "_queries",
        "_source_readers",
    )

    def __init__(self, rules: Sequence[Rule]) -> None:
        """The last of `rules` has no conditions. A rule has at most one condition each on host, path, method and source."""
        self._every = (1 << len(rules)) - 1
        self._hosts = Dimension()
        self._paths = Dimension()
        self._methods: dict[bytes, int] = {}
        self._fields: dict[tuple[str, int], _FieldDimension] = {}
        self._queries: list[_QueryDimension] = []
        self._networks: list[tuple[int, int, int, int]] = []
        self._source_readers = 0
        self._lazy = 0
        self._memo_hosts: dict[bytes, int] = {}
        self._memo_paths: dict[bytes, int] = {}
        self._memo_peers: dict[bytes, int] = {}
        method_readers = 0
        for index, rule in enumerate(rules):
            bit = 1 << index
            if self._add(bit, rule):
                method_readers |= bit
        self._any_method = self._every & ~method_readers
        for method in self._methods:
            self._methods[method] |= self._any_method

    def find(self, method: bytes, target: bytes, host: bytes | None, head: bytes, peer: bytes) -> int:
        """The index of the rule. `target` and `method` are as the client sent them, `host` in lower case, `head` holds the
        request line and all fields, `peer` is the client's address as text."""
        mask = self._methods.get(method, self._any_method)
        if self._hosts.readers:
            met = self._memo_hosts.get(host or b"")
            mask &= met if met is not None else self._by_host(host or b"")
        if self._paths.readers:
            path = target.partition(b"?")[0]
            met = self._memo_paths.get(path)
            mask &= met if met is not None else self._by_path(path)
        first = mask & -mask
        if first & self._lazy:
            mask = self._by_the_rest(mask, target, head, peer)
            first = mask & -mask
        return first.bit_length() - 1

    def _by_host(self, host: bytes) -> int:
        hosts = self._hosts
        mask = hosts.met(host_name(host)) | self._every & ~hosts.readers
        _remember(self._memo_hosts, host, mask)
        return mask

    def _by_path(self, path: bytes) -> int:
        paths = self._paths
        mask = paths.met(normal_path(path)) | self._every & ~paths.readers
        _remember(self._memo_paths, path, mask)
        return mask

    def _by_the_rest(self, mask: int, target: bytes, head: bytes, peer: bytes) -> int:
        if mask & self._source_readers:
            mask &= self._by_peer(peer)
        for field in self._fields.values():
            if mask & field.dimension.readers:
                met = 0
                for value in field.values.of(head):
                    met |= field.dimension.met(value.lower())
                mask &= met | ~field.dimension.readers
        if self._queries:
            pairs = query_pairs(target)
            for query in self._queries:
                if mask & query.readers:
                    mask &= query.met(pairs) | ~query.readers
        return mask

    def _by_peer(self, peer: bytes) -> int:
        mask = self._memo_peers.get(peer)
        if mask is None:
            version, number = _address(peer)
            mask = self._every & ~self._source_readers
            for its_version, network, netmask, bit in self._networks:
                if its_version == version and number & netmask == network:
                    mask |= bit
            _remember(self._memo_peers, peer, mask)
        return mask

    def _add(self, bit: int, rule: Rule) -> bool:
        """Whether the rule has a condition on the method."""
        on_method = False
        on_query = 0
        on_field: dict[str, int] = {}
        for condition in rule.conditions:
            if isinstance(condition, HostHeader):
                self._hosts.readers |= bit
                for value in condition.values:
                    self._hosts.add(bit, _pattern(value, condition.regex, ignore_case=True))
            elif isinstance(condition, PathPattern):
                self._paths.readers |= bit
                for value in condition.values:
                    self._paths.add(bit, _pattern(value, condition.regex, ignore_case=False))
            elif isinstance(condition, RequestMethod):
                on_method = True
                for value in condition.values:
                    method = value.encode()
                    self._methods[method] = self._methods.get(method, 0) | bit
            elif isinstance(condition, HttpHeader):
                name = condition.name.lower()
                nth = on_field.get(name, 0)
                on_field[name] = nth + 1
                self._add_field(bit, condition, name, nth)
            elif isinstance(condition, QueryString):
                self._add_query(bit, condition, on_query)
                on_query += 1
            else:
                self._add_source(bit, condition)
        return on_method

    def _add_field(self, bit: int, condition: HttpHeader, name: str, nth: int) -> None:
        self._lazy |= bit
        field = self._fields.get((name, nth))
        if field is None:
            field = self._fields[name, nth] = _FieldDimension(name.encode())
        field.dimension.readers |= bit
        for value in condition.values:
            field.dimension.add(bit, _pattern(value, condition.regex, ignore_case=True))

    def _add_query(self, bit: int, condition: QueryString, nth: int) -> None:
        self._lazy |= bit
        if nth == len(self._queries):
            self._queries.append(_QueryDimension())
        query = self._queries[nth]
        query.readers |= bit
        for key, value in condition.values:
            text = value.lower().encode()
            if key is None:
                query.values.readers |= bit
                query.values.add(bit, wildcard(text, escapes=True))
            else:
                query.pairs.readers |= bit
                query.pairs.add(bit, wildcard_pair(key.lower().encode(), text))

    def _add_source(self, bit: int, condition: SourceIp) -> None:
        self._lazy |= bit
        self._source_readers |= bit
        for value in condition.values:
            block = ipaddress.ip_network(value, strict=False)
            self._networks.append((block.version, int(block.network_address), int(block.netmask), bit))


def _pattern(value: str, regex: bool, *, ignore_case: bool) -> Pattern:
    if regex:
        return expression(value.encode(), ignore_case=ignore_case)
    return wildcard((value.lower() if ignore_case else value).encode())


def _address(peer: bytes) -> tuple[int, int]:
    """(version, number); an IPv4 address in IPv6 clothes is an IPv4 address."""
    address = ipaddress.ip_address(peer.decode("ascii").partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)


def _remember(memo: dict[bytes, int], key: bytes, mask: int) -> None:
    if len(key) <= _MEMO_KEY_BYTES:
        if len(memo) >= _MEMO_ENTRIES:
            memo.clear()
        memo[key] = mask
