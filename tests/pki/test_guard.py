"""No URL from a certificate reaches anybody at home (T113)."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pki.errors import CannotFetch
from app.pki.guard import Guard

PUBLIC = "93.184.215.14"


def guard(*addresses: str, **words: object) -> Guard:
    def resolve(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("no such host")
        return addresses

    return Guard(resolve=resolve, **words)  # type: ignore[arg-type]


def test_public_host_is_asked_at_the_address_that_was_checked() -> None:
    target = guard(PUBLIC).check("http://CRL.example.org/a/b.crl?x=1#part")
    assert (target.host, target.address, target.port) == ("crl.example.org", PUBLIC, 80)
    assert target.path == "/a/b.crl?x=1"


def test_path_is_never_empty() -> None:
    assert guard(PUBLIC).check("http://ocsp.example.org").path == "/"
    assert guard(PUBLIC).check("http://ocsp.example.org?q").path == "/?q"


HOME = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",  # where clouds keep their keys
    "168.63.129.16",  # the same of Azure, though it looks public
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:93.184.215.14",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "3fff::1",
    "fec0::1",  # site-local, which some networks still have
    "2606:4700::1%eth0",
    "2606:4700::5efe:a00:1",  # ISATAP, with 10.0.0.1 in it
    "2606:4700::200:5efe:7f00:1",
    "192.0.0.8",
    "192.0.0.9",  # the nearest router
    "192.88.99.1",
    "no address",
    "",
]


@pytest.mark.parametrize("address", HOME)
def test_address_at_home_is_not_asked(address: str) -> None:
    with pytest.raises(CannotFetch):
        guard(address).check("http://innocent.example.org/a.crl")
    # One such address among good ones is enough.
    with pytest.raises(CannotFetch):
        guard(PUBLIC, address).check("http://innocent.example.org/a.crl")
    with pytest.raises(CannotFetch):
        guard(address, PUBLIC).check("http://innocent.example.org/a.crl")


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_address_is_asked(address: str) -> None:
    assert guard(address).check("http://crl.example.org/").address == address


def test_network_of_the_owner_is_opened_by_name() -> None:
    own = [IPv4Network("10.1.0.0/16"), IPv6Network("fd00::/16")]
    assert guard("10.1.2.3", networks=own).check("http://pki.intern/").address == "10.1.2.3"
    assert guard("fd00::7", networks=own).check("http://pki.intern/").address == "fd00::7"
    with pytest.raises(CannotFetch):
        guard("10.2.2.3", networks=own).check("http://pki.intern/")


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fe80::1"],
)
def test_no_network_of_an_owner_opens_where_clouds_keep_their_keys(address: str) -> None:
    own = [IPv4Network("100.64.0.0/10"), IPv4Network("169.254.0.0/16"), IPv6Network("fc00::/7")]
    with pytest.raises(CannotFetch):
        guard(address, networks=own).check("http://pki.intern/")


# An IPv6 network with a translator (RFC 6052 §2.1): what stands behind it is not all the owner's.
@pytest.mark.parametrize(
    "address",
    ["64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a00:1", "::ffff:169.254.169.254"],
)
def test_network_with_a_translator_opens_nothing_at_home(address: str) -> None:
    own = [IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0/96")]
    assert guard("64:ff9b::5db8:d70e", networks=own).check("http://crl.example.org/").port == 80
    with pytest.raises(CannotFetch):
        guard(address, networks=own).check("http://crl.example.org/")


def test_translator_leads_to_networks_that_the_owner_opened() -> None:
    own = [IPv6Network("64:ff9b::/96"), IPv4Network("10.1.0.0/16")]
    assert guard("64:ff9b::a01:203", networks=own).check("http://pki.intern/").port == 80
    with pytest.raises(CannotFetch):
        guard("64:ff9b::a02:203", networks=own).check("http://pki.intern/")


def test_port_of_the_owner_is_asked() -> None:
    own = guard(PUBLIC, ports=frozenset((80, 8080)))
    target = own.check("http://crl.example.org:8080/a")
    assert (target.host, target.port) == ("crl.example.org:8080", 8080)
    with pytest.raises(CannotFetch, match="port 8081 is not asked"):
        own.check("http://crl.example.org:8081/a")


PROXY = ("proxy.nord.example", 3128)


def test_proxy_is_asked_for_the_whole_url() -> None:
    target = guard(PUBLIC, proxy=PROXY).check("http://crl.example.org/a.crl?x=1")
    assert (target.address, target.port) == PROXY
    assert (target.host, target.path) == ("crl.example.org", "http://crl.example.org/a.crl?x=1")


def test_name_that_only_the_proxy_knows_is_for_the_proxy() -> None:
    assert guard(proxy=PROXY).check("http://crl.example.org/").address == PROXY[0]
    for host in ("intranet", "intranet.", "localhost"):
        with pytest.raises(CannotFetch):
            guard(proxy=PROXY).check(f"http://{host}/")


def test_own_network_needs_no_proxy() -> None:
    own = guard("10.1.2.3", networks=[IPv4Network("10.1.0.0/16")], proxy=PROXY)
    assert own.check("http://pki.intern/a").address == "10.1.2.3"


@pytest.mark.parametrize("address", HOME)
def test_address_at_home_is_not_asked_for_through_a_proxy(address: str) -> None:
    with pytest.raises(CannotFetch):
        guard(address, proxy=PROXY).check("http://innocent.example.org/a.crl")


# A resolver here may know no number with a dot behind it, and that of a proxy may.
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "2130706433",
        "127.0.0.1.",
        "169.254.169.254.",
        "169.254.169.254..",
        "127.1.",
        "0x7f.1.",
        "10.0.0.0X1.",
    ],
)
def test_home_by_its_number_is_not_asked_for_through_a_proxy(host: str) -> None:
    with pytest.raises(CannotFetch):
        Guard(proxy=PROXY).check(f"http://{host}/")


MALFORMED = [
    "",
    "crl.example.org/a.crl",
    "//crl.example.org/a.crl",
    "https://crl.example.org/a.crl",
    "ldap://crl.example.org/cn=a",
    "file:///etc/passwd",
    "gopher://crl.example.org:70/",
    "ftp://crl.example.org/a.crl",
    "http:crl.example.org",
    "http:///a.crl",
    "http://",
    "http://user@crl.example.org/",
    "http://user:pass@crl.example.org/",
    "http://crl.example.org@127.0.0.1/",
    "http://127.0.0.1\\@crl.example.org/",
    "http://crl.example.org:99999/",
    "http://crl.example.org:x/",
    "http://crl.example.org:22/",
    "http://crl.example.org:443/",
    "http://crl.example.org:8080/",
    "http://crl.exa mple.org/",
    "http://crl.example.org/a b",
    "http://crl.example.org/\r\nHost: evil",
    "http://crl.example.org/\n",
    "http://crl.example.org/\0",
    "http://crl.example.org/\tx",
    "http://ümlaut.example.org/",
    "http://crl.example.org\u2044evil.org/",
    "http://[::1/",
    "http://[gg::1]/",
    "http://exam%70le.org/",
    "http://" + "a" * 3000 + "/",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_url_that_is_none_is_not_asked(url: str) -> None:
    with pytest.raises(CannotFetch) as caught:
        guard(PUBLIC).check(url)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "localhost"])
def test_home_by_any_other_name_is_home(host: str) -> None:
    # The resolver of the system knows all of these; whatever it answers is checked.
    with pytest.raises(CannotFetch):
        Guard().check(f"http://{host}/")


def test_host_without_an_address_is_not_asked() -> None:
    with pytest.raises(CannotFetch, match="no address"):
        guard().check("http://crl.example.org/")


@settings(deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "http://", "http://crl.example.org", "HTTP://["]))
def test_no_url_raises_but_cannot_fetch(text: str, before: str) -> None:
    try:
        target = guard(PUBLIC).check(before + text)
    except CannotFetch:
        return
    assert target.address == PUBLIC
    assert (target.host + target.path).isascii()
    assert (target.host + target.path).isprintable()
