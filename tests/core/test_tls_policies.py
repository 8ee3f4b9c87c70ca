"""AWS's security policies (alb:describe-ssl-policies): the table against facts read off AWS's pages one by one."""

import ssl

import pytest

from lab.core.elbv2.tls_policies import API_DEFAULT, CONSOLE_DEFAULT, POLICIES, offered, target_policy

PREFIX = "ELBSecurityPolicy-"


def test_the_families_are_complete() -> None:
    names = [name.removeprefix(PREFIX) for name in POLICIES]
    assert len(names) == len(set(names)) == 39
    assert sum(name.endswith("-2021-06") for name in names) == 7
    assert sum("FIPS" in name for name in names) == 15
    assert sum("PQ" in name for name in names) == 13
    assert sum(name.startswith("FS-") for name in names) == 5
    assert {API_DEFAULT, CONSOLE_DEFAULT} <= set(POLICIES)


@pytest.mark.parametrize(
    ("name", "protocols", "ciphers"),
    [
        ("TLS13-1-3-2021-06", "TLSv1.3", 3),
        ("TLS13-1-2-2021-06", "TLSv1.2 TLSv1.3", 11),
        ("TLS13-1-2-Res-2021-06", "TLSv1.2 TLSv1.3", 7),
        ("TLS13-1-2-Ext1-2021-06", "TLSv1.2 TLSv1.3", 15),
        ("TLS13-1-2-Ext2-2021-06", "TLSv1.2 TLSv1.3", 21),
        ("TLS13-1-1-2021-06", "TLSv1.1 TLSv1.2 TLSv1.3", 21),
        ("TLS13-1-0-2021-06", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", 21),
        ("TLS13-1-3-FIPS-2023-04", "TLSv1.3", 2),
        ("TLS13-1-2-Ext0-FIPS-2023-04", "TLSv1.2 TLSv1.3", 14),
        ("TLS13-1-0-FIPS-2023-04", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", 20),
        ("TLS-1-2-Ext-2018-06", "TLSv1.2", 18),
        ("TLS-1-2-2017-01", "TLSv1.2", 12),
        ("TLS-1-1-2017-01", "TLSv1.1 TLSv1.2", 18),
        ("2016-08", "TLSv1 TLSv1.1 TLSv1.2", 18),
        ("TLS-1-0-2015-04", "TLSv1 TLSv1.1 TLSv1.2", 19),
        ("FS-1-2-Res-2020-10", "TLSv1.2", 4),
        ("FS-1-2-Res-2019-08", "TLSv1.2", 8),
        ("FS-2018-06", "TLSv1 TLSv1.1 TLSv1.2", 12),
    ],
)
def test_protocols_and_number_of_ciphers(name: str, protocols: str, ciphers: int) -> None:
    policy = POLICIES[PREFIX + name]
    assert " ".join(policy.protocols) == protocols
    assert len(policy.ciphers) == len(set(policy.ciphers)) == ciphers


def test_the_order_is_aws() -> None:
    assert POLICIES[PREFIX + "TLS13-1-2-Res-2021-06"].ciphers == (
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
    )
    assert POLICIES[PREFIX + "2016-08"].ciphers[4:12] == (
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES256-SHA384",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
    )


@pytest.mark.parametrize("name", [name for name in POLICIES if "-PQ-" in name])
def test_a_post_quantum_policy_has_its_namesakes_ciphers(name: str) -> None:
    year = "FIPS-2023-04" if POLICIES[name].fips else "2021-06"
    twin = POLICIES[name.replace("FIPS-PQ-2025-09", year).replace("PQ-2025-09", year)]
    assert (POLICIES[name].protocols, POLICIES[name].ciphers) == (twin.protocols, twin.ciphers)
    assert POLICIES[name].post_quantum
    assert not twin.post_quantum


@pytest.mark.parametrize("name", POLICIES)
def test_every_offer_can_be_made(name: str) -> None:
    """OpenSSL knows each cipher a node says it offers."""
    offer = offered(POLICIES[name])
    assert offer.protocols
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for cipher in offer.ciphers:
        context.set_ciphers(f"{cipher}:@SECLEVEL=1")
        assert cipher in [found["name"] for found in context.get_ciphers()]


def test_an_offer_says_what_it_leaves_out() -> None:
    assert offered(POLICIES[PREFIX + "TLS13-1-2-Res-2021-06"]).left_out == ()
    assert offered(POLICIES[PREFIX + "2016-08"]).left_out == ("TLSv1", "TLSv1.1")
    assert offered(POLICIES[PREFIX + "TLS-1-0-2015-04"]).left_out == ("TLSv1", "TLSv1.1", "DES-CBC3-SHA")
    assert offered(POLICIES[PREFIX + "TLS13-1-3-2021-06"]).ciphers == ()


@pytest.mark.parametrize(
    ("listeners", "target"),
    [
        ([], "2016-08"),
        (["2016-08"], "2016-08"),
        (["FS-1-2-2019-08", "no-such"], "2016-08"),
        (["2016-08", "TLS13-1-2-Res-2021-06"], "TLS13-1-0-2021-06"),
        (["TLS13-1-2-Res-PQ-2025-09"], "TLS13-1-0-2021-06"),
        (["TLS13-1-2-Res-FIPS-2023-04"], "TLS13-1-0-FIPS-2023-04"),
    ],
)
def test_targets_get_the_policy_of_the_family(listeners: list[str], target: str) -> None:
    assert target_policy(PREFIX + name for name in listeners).name == PREFIX + target
