"""A source is written in one of three forms; everything else is refused in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.errors import Refused
from app.model.sources import Source, is_loopback, parse_source

GOOD = {
    "smimea": Source("smimea", "smimea"),
    "ldaps://dir.example/dc=a": Source("", "ldap", "dir.example", 636, "dc=a", "tls"),
    "ldaps://DIR.Example:1636/o=S%C3%BCd%20Bank,c=DE": Source(
        "", "ldap", "dir.example", 1636, "o=Süd Bank,c=DE", "tls"
    ),
    "ldaps://[2001:db8::1]/dc=a": Source("", "ldap", "2001:db8::1", 636, "dc=a", "tls"),
    "ldap://dir.example/dc=a?starttls": Source("", "ldap", "dir.example", 389, "dc=a", "starttls"),
    "ldap://127.0.0.1/dc=a": Source("", "ldap", "127.0.0.1", 389, "dc=a"),
    "ldap://[::1]:1389/dc=a": Source("", "ldap", "::1", 1389, "dc=a"),
    "ldap://localhost/dc=a?starttls": Source("", "ldap", "localhost", 389, "dc=a", "starttls"),
}
BAD = {
    "": "is no source",
    "SMIMEA": "is no source",
    "dane": "is no source",
    "ldap:": "is no source",
    "ldaps://": "is no source",
    "ldaps:///dc=a": "is no source",
    "https://dir.example/dc=a": "is no source",
    "ldapi:///dc=a": "is no source",
    "ldaps://dir.example": "names no base",
    "ldaps://dir.example/": "names no base",
    "ldaps://dir.example/%FF=a": "names no base",
    "ldaps://dir.example/dc=a%00": "names no base",
    "ldaps://dir.example/dc=a b": "is no source",
    "ldaps://dir.example/dc=a#x": "is no source",
    "ldaps://dir.example/dc=a?mail?sub": "is no source",
    "ldaps://dir.example/dc=a?starttls": "has TLS from the start",
    "ldaps://user:secret@dir.example/dc=a": "is no source",
    "ldaps://dir.example:0/dc=a": "is no source",
    "ldaps://dir.example:99999/dc=a": "is no source",
    "ldaps://[::1/dc=a": "is no source",
    "ldaps://a..b/dc=a": "is no host",
    # T98: no address leaves this machine in clear.
    "ldap://dir.example/dc=a": "without TLS only this machine",
    "ldap://192.0.2.1/dc=a": "without TLS only this machine",
    "ldap://localhost.example/dc=a": "without TLS only this machine",
    "ldap://127.0.0.1.example/dc=a": "without TLS only this machine",
    "ldap://[::ffff:192.0.2.1]/dc=a": "without TLS only this machine",
    "ldap://0.0.0.0/dc=a": "without TLS only this machine",
}


@pytest.mark.parametrize("entry", GOOD)
def test_three_forms_are_read(entry: str) -> None:
    expected = GOOD[entry]
    found = parse_source(entry)
    assert found.entry == entry
    assert (found.kind, found.host, found.port, found.base, found.tls) == (
        expected.kind,
        expected.host,
        expected.port,
        expected.base,
        expected.tls,
    )


@pytest.mark.parametrize("entry", BAD)
def test_everything_else_is_refused(entry: str) -> None:
    with pytest.raises(Refused, match=BAD[entry]) as refused:
        parse_source(entry)
    assert "\n" not in str(refused.value)


@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map("ldap://{}".format),
        st.text(max_size=40).map("ldaps://h/{}".format),
        st.text(max_size=40).map("ldap://{}/dc=a".format),
    )
)
def test_no_text_does_more_than_be_refused(entry: str) -> None:
    try:
        found = parse_source(entry)
    except Refused:
        return
    assert found.kind == "smimea" or found.tls or is_loopback(found.host)
