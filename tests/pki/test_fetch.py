"""Fetching from servers that are good, slow, huge, lying, and somewhere else (T112-T115, F26)."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network

import pytest
from cryptography.x509 import ocsp

from app.pki import fetch as fetching
from app.pki.certificate import Certificate
from app.pki.crls import next_update_of
from app.pki.errors import CannotFetch
from app.pki.fetch import fetch, fetch_crl, fetch_issuers, fetch_ocsp, ocsp_request
from app.pki.guard import Guard
from app.pki.pointers import crl_urls, issuer_urls, ocsp_urls
from app.pki.revdata import next_update_of_response
from tests.pki.test_revocation import GOOD, ROOT, SUB
from tests.testpki import AT, ca, pem
from tests.timing import own_time

LOOPBACK = [IPv4Network("127.0.0.0/8")]
LIST, RESPONSE = SUB.crl(), SUB.ocsp(GOOD)
Answer = bytes | Callable[[socket.socket], None]


class Server:
    """A server on loopback that gives one answer to each request and remembers what was asked."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        for answer in self.answers:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                self.requests.append(self._request(peer))
                if callable(answer):
                    answer(peer)
                else:
                    peer.sendall(answer)

    @staticmethod
    def _request(peer: socket.socket) -> bytes:
        octets = b""
        while b"\r\n\r\n" not in octets:
            octets += peer.recv(4096)
        head, _, body = octets.partition(b"\r\n\r\n")
        if b"Content-Length: " in head:
            size = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
            while len(body) < size:
                body += peer.recv(4096)
        return head + b"\r\n\r\n" + body

    def url(self, path: str = "/list.crl", host: str = "pki.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def guard(self) -> Guard:
        return Guard(LOOPBACK, frozenset((self.port,)), lambda *_: ["127.0.0.1"])

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(timeout=10)


@contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    server = Server(list(answers))
    try:
        yield server
    finally:
        server.close()


def ok(body: bytes, *fields: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def test_list_is_fetched() -> None:
    with serving(ok(LIST)) as server:
        assert fetch_crl(server.url("/a/b.crl?c=d"), server.guard()) == LIST
    request = server.requests[0].decode()
    assert request.startswith("GET /a/b.crl?c=d HTTP/1.1\r\n")
    assert f"Host: pki.example:{server.port}\r\n" in request


def test_list_is_fetched_through_a_proxy() -> None:
    with serving(ok(LIST)) as server:
        guard = Guard(resolve=lambda *_: ["93.184.215.14"], proxy=("127.0.0.1", server.port))
        assert fetch_crl("http://pki.example/a.crl", guard) == LIST
    request = server.requests[0].decode()
    assert request.startswith("GET http://pki.example/a.crl HTTP/1.1\r\nHost: pki.example\r\n")


def test_list_in_pem_is_fetched() -> None:
    with serving(ok(pem(LIST, "X509 CRL"))) as server:
        assert fetch_crl(server.url(), server.guard()) == LIST


def test_responder_is_asked_about_the_certificate() -> None:
    leaf, issuer = Certificate.from_der(GOOD.certificate), Certificate.from_der(SUB.certificate)
    with serving(ok(RESPONSE)) as server:
        assert fetch_ocsp(server.url("/"), leaf, issuer, server.guard()) == RESPONSE
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert b"Content-Type: application/ocsp-request" in head
    assert body == ocsp_request(leaf, issuer)
    asked = ocsp.load_der_ocsp_request(body)
    assert asked.serial_number == leaf.serial
    assert list(asked.extensions) == []


def test_issuers_are_fetched() -> None:
    with serving(ok(SUB.certificate), ok(b"hello")) as server:
        assert fetch_issuers(server.url(), server.guard()) == (
            Certificate.from_der(SUB.certificate),
        )
        with pytest.raises(CannotFetch, match="no certificate"):
            fetch_issuers(server.url(), server.guard())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BODIES = [
    (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
    (b"HTTP/1.1 200\r\ncontent-length:  5 \r\n\r\nhello and more", b"hello"),
    (CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", b"hello"),
    (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    (ok(b""), b""),
]


@pytest.mark.parametrize(("answer", "body"), BODIES)
def test_body_is_read_in_every_form(answer: bytes, body: bytes) -> None:
    with serving(answer) as server:
        assert fetch(server.url(), server.guard(), limit_octets=1000) == body


def test_peer_that_does_not_close_is_not_waited_for() -> None:
    def keep(answer: bytes) -> Callable[[socket.socket], None]:
        def serve(peer: socket.socket) -> None:
            peer.sendall(answer)
            peer.settimeout(60)
            peer.recv(1)

        return serve

    chunked = CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"
    with serving(keep(ok(b"hello")), keep(chunked)) as server:
        began = time.monotonic()
        for _ in range(2):
            assert fetch(server.url(), server.guard(), limit_octets=1000) == b"hello"
        assert time.monotonic() - began < 20


BAD = [
    (b"", "not HTTP"),
    (b"hello", "not HTTP"),
    (b"HTTP/1.1 200 OK\r\n", "not HTTP"),
    (b"HTTP/2 200\r\n\r\n", "not HTTP"),
    (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
    (b"HTTP/1.1 404 Not Found\r\n\r\n", "answers 404"),
    (b"HTTP/1.1 503 Later\r\n\r\n", "answers 503"),
    (b"HTTP/1.1 204 Nothing\r\n\r\n", "answers 204"),
    (b"HTTP/1.1 301 Moved\r\n\r\n", "answers 301"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "cut short"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nshort", "cut short"),
    (CHUNKED + b"5\r\nhel", "cut short"),
    (CHUNKED + b"5\r\nhello\r\n", "cut short"),
    (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "cut short"),
    (CHUNKED + b"fffffffff\r\nhello\r\n0\r\n\r\n", "cut short"),
    (CHUNKED + b"5\r\nhelloXX0\r\n\r\n", "cut short"),
    (ok(bytes(2000)), "over the limit"),
    (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(50_000), "over the limit"),
    (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 4000 + b"\r\n", "over the limit|not HTTP"),
]


@pytest.mark.parametrize(("answer", "message"), BAD, ids=range(len(BAD)))
def test_answer_that_is_none_is_named(answer: bytes, message: str) -> None:
    with serving(answer) as server, pytest.raises(CannotFetch, match=message):
        fetch(server.url(), server.guard(), limit_octets=1000)


def test_endless_answer_is_left_after_the_limit() -> None:  # T112
    sent = 0

    def pour(peer: socket.socket) -> None:
        nonlocal sent
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 200_000_000:
            peer.sendall(bytes(100_000))
            sent += 100_000

    with serving(pour) as server, pytest.raises(CannotFetch, match="over the limit"):
        fetch(server.url(), server.guard(), limit_octets=1_000_000)
    assert sent < 20_000_000


def test_answer_in_single_octets_is_left_in_time() -> None:  # T112
    octets = CHUNKED + b"1\r\nx\r\n" * 1_500_000 + b"0\r\n\r\n"
    much = pytest.raises(CannotFetch, match="too many pieces")
    with serving(octets) as server, own_time() as own, much:
        fetch(server.url(), server.guard(), limit_octets=10_000_000)
    assert own.seconds < 1


def test_endless_header_is_left_after_its_own_limit() -> None:  # T112
    sent = 0

    def pour(peer: socket.socket) -> None:
        nonlocal sent
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        while sent < 8_000_000:
            peer.sendall(b"X-Endless: y\r\n" * 1_000)
            sent += 14_000

    with serving(pour) as server, pytest.raises(CannotFetch, match="not HTTP"):
        fetch(server.url(), server.guard(), limit_octets=10_000_000)
    assert sent < 8_000_000


def test_tarpit_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:  # T115
    monkeypatch.setattr(fetching, "SECONDS", 0.4)

    def drip(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1000):
            peer.sendall(b"x")
            time.sleep(0.05)

    def silence(peer: socket.socket) -> None:
        peer.settimeout(60)
        peer.recv(1)

    with serving(drip, silence) as server:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(CannotFetch, match=r"in time|within"):
                fetch(server.url(), server.guard(), limit_octets=1000)
            assert time.monotonic() - began < 20


def test_host_that_is_down_is_named() -> None:
    with serving() as server:
        guard = server.guard()
        url = server.url()
    with pytest.raises(CannotFetch, match="cannot be reached"):
        fetch(url, guard, limit_octets=1000)


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n\r\n".encode()


def test_redirect_on_the_same_host_is_followed() -> None:
    with serving(moved("/other.crl"), moved("third.crl", 301), ok(b"hello")) as server:
        assert fetch(server.url(), server.guard(), limit_octets=1000) == b"hello"
    assert [each.split()[1] for each in server.requests] == [
        b"/list.crl",
        b"/other.crl",
        b"/third.crl",
    ]


ELSEWHERE = [
    "http://127.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://evil.example/",
    "https://pki.example/",
    "//evil.example/",
    "file:///etc/passwd",
    "http://pki.example/on/another/port",
    "http://pki.example@evil.example/",
    "gopher://pki.example/",
    "http://[pki.example/",
    "//[::1",
]


@pytest.mark.parametrize("location", ELSEWHERE)
def test_redirect_elsewhere_is_not_followed(location: str) -> None:  # T113
    with serving(moved(location), ok(b"secret")) as server:
        with pytest.raises(CannotFetch):
            fetch(server.url(), server.guard(), limit_octets=1000)
        assert len(server.requests) == 1


def test_redirects_end() -> None:
    with serving(*[moved("/again")] * 5) as server:
        with pytest.raises(CannotFetch, match="too often"):
            fetch(server.url(), server.guard(), limit_octets=1000)
        assert len(server.requests) == 3


def test_metadata_service_is_never_asked() -> None:  # T113
    # A fake of it on loopback; the guard takes loopback for what it is.
    with serving(ok(b"secret")) as server:
        for host in ("127.0.0.1", "localhost", "2130706433"):
            strict = Guard(ports=frozenset((server.port,)))
            with pytest.raises(CannotFetch, match="not a public one"):
                fetch(server.url("/latest/", host), strict, limit_octets=1000)
        assert server.requests == []


def test_name_that_changes_its_mind_changes_nothing() -> None:  # DNS rebinding
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    with serving(ok(b"secret")) as server:
        guard = Guard(ports=frozenset((server.port,)), resolve=lambda *_: answers.pop(0))
        target = guard.check(server.url())
        # What was checked is what is connected to; the name is not asked again.
        assert target.address == "93.184.215.14"
        with pytest.raises(CannotFetch):
            guard.check(server.url())
        assert server.requests == []


def test_answer_that_is_no_list_is_refused() -> None:
    for body in (b"", b"<html>Log in!</html>", SUB.certificate, pem(b"x", "X509 CRL")):
        with serving(ok(body)) as server, pytest.raises(CannotFetch, match="no CRL"):
            fetch_crl(server.url(), server.guard())


def test_pointers_of_a_certificate_are_read() -> None:
    leaf = Certificate.from_der(GOOD.certificate)
    assert crl_urls(leaf) == ("http://127.0.0.1/ca.crl",)
    assert ocsp_urls(leaf) == ("http://127.0.0.1/ca.ocsp",)
    assert issuer_urls(leaf) == ()
    silent = Certificate.from_der(ca("No Pointers").certificate)
    assert crl_urls(silent) == ocsp_urls(silent) == issuer_urls(silent) == ()


def test_end_of_the_data_is_read() -> None:
    assert next_update_of(SUB.crl(days=7)) is not None
    assert next_update_of(ROOT.crl()) > AT  # type: ignore[operator]
    assert next_update_of_response(RESPONSE) > AT  # type: ignore[operator]
    for rubbish in (b"", b"0", b"hello", SUB.certificate):
        assert next_update_of(rubbish) is None
        assert next_update_of_response(rubbish) is None
