"""Next hops are named in full, or not at all."""

import pytest

from app.mta.nexthop import MalformedNextHop, NextHop


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("lmtp://127.0.0.1:24", NextHop("lmtp", "127.0.0.1", 24)),
        ("lmtp://mail.example", NextHop("lmtp", "mail.example", 24)),
        ("lmtp:/run/lmtp.sock", NextHop("lmtp", path="/run/lmtp.sock")),
        ("smtp://mail.example", NextHop("smtp", "mail.example", 25)),
        ("smtp://[::1]:2525?tls=may", NextHop("smtp", "::1", 2525, tls="may")),
        ("smtp://m.example:25?tls=verify", NextHop("smtp", "m.example", 25, tls="verify")),
        (
            "smtp://m.example?tls=verify&ca=/etc/ca.pem",
            NextHop("smtp", "m.example", 25, tls="verify", ca_file="/etc/ca.pem"),
        ),
        ("maildir:run/delivered", NextHop("maildir", path="run/delivered")),
        ("maildir:/var/mail/x", NextHop("maildir", path="/var/mail/x")),
    ],
)
def test_next_hop_is_read(url: str, expected: NextHop) -> None:
    assert NextHop.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example:25",
        "http://mail.example",
        "maildir:",
        "maildir:a\0b",
        "smtp:/run/socket",
        "smtp://",
        "smtp://mail.example:99999",
        "smtp://mail.example:25?tls=maybe",
        "smtp://mail.example:25?tls",
        "smtp://mail.example:25?verify=no",
        "smtp://user:secret@mail.example",
        "smtp://mail.example/path",
    ],
)
def test_malformed_next_hop_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(MalformedNextHop) as refusal:
        NextHop.parse(url)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    ["lmtp:/run/x", "smtp://[::1]:25?tls=none", "maildir:run/x", "lmtp://a.example:24?tls=none"],
)
def test_next_hop_is_written_as_it_is_read(url: str) -> None:
    assert str(NextHop.parse(url)) == url
