"""TLS on both sides: levels are kept; nothing said before a handshake counts after it (T26, F9)."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.mta import reply
from app.mta.cargo import Cargo
from app.mta.client import Timeouts
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from tests.mta.servers import Client, Desk, Hop, clear, receiving, settings, until

MESSAGE = b"Subject: a\r\n\r\ntext\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with self-signed server certificates: good, wrong-name, expired."""
    path = tmp_path_factory.mktemp("tls")
    for name, address, days in (
        ("good", "127.0.0.1", 30),
        ("wrong-name", "192.0.2.1", 30),
        ("expired", "127.0.0.1", -1),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(30))
            .not_valid_after(now + timedelta(days))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        (path / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (path / f"{name}.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
    return path


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context


YES, NO = True, False


@pytest.mark.parametrize(
    ("level", "server", "trusted", "relayed", "secured"),
    [
        ("none", "good", "good", YES, NO),
        ("none", "", "good", YES, NO),
        ("may", "", "good", YES, NO),
        ("may", "good", "good", YES, YES),
        ("may", "expired", "good", YES, YES),
        ("encrypt", "", "good", NO, NO),
        ("encrypt", "wrong-name", "good", YES, YES),
        ("verify", "", "good", NO, NO),
        ("verify", "good", "good", YES, YES),
        ("verify", "good", "expired", NO, NO),
        ("verify", "wrong-name", "wrong-name", NO, NO),
        ("verify", "expired", "expired", NO, NO),
    ],
)
# T102: what was decrypted goes on no worse than the owner said
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_level_is_kept(
    folder: Path,
    protocol: str,
    level: str,
    server: str,
    trusted: str,
    relayed: bool,
    secured: bool,
) -> None:
    async def run() -> None:
        tls = server_context(folder, server) if server else None
        async with Hop(protocol, tls=tls).listening() as hop:
            ca = str(folder / f"{trusted}.crt") if level == "verify" else ""
            target = NextHop(protocol, "127.0.0.1", hop.port, tls=level, ca_file=ca)
            relay = Relay("gw.example")
            for _ in range(2):
                answers = await relay.send(target, "", ["b@x"], Cargo(MESSAGE, clear("b@x")))
                assert [answer.relayed for answer in answers] == [relayed]
                assert relayed or answers[0].temporary
            await relay.close()
            assert len(hop.messages) == (2 if relayed else 0)
            assert (b"STARTTLS\r\n" in hop.lines and bool(hop.messages)) == secured

    asyncio.run(run())


@pytest.mark.parametrize("level", ["may", "encrypt", "verify"])
@pytest.mark.parametrize(
    "answer",
    [b"454 4.7.0 not now\r\n", b"220 go\r\n250 injected\r\n", b"220 go\r\n25", b"500 no\r\n"],
)
def test_refused_or_injected_answer_to_starttls_is_no_way_on(
    folder: Path, level: str, answer: bytes
) -> None:
    # CVE-2011-0411 and its kin, from the other side; never silently plain.
    async def run() -> None:
        context = server_context(folder, "good")
        script = {"starttls": answer}
        async with Hop(tls=context, script=lambda stage, _: script.get(stage)).listening() as hop:
            ca = str(folder / "good.crt")
            target = NextHop("smtp", "127.0.0.1", hop.port, tls=level, ca_file=ca)
            relay = Relay("gw.example", Timeouts(command_seconds=1))
            answers = await relay.send(target, "", ["b@x"], Cargo(MESSAGE, clear("b@x")))
            assert answers[0] in (reply.NO_TLS, reply.TIMED_OUT)
            assert not hop.transactions

    asyncio.run(run())


class TestReceiver:
    def test_starttls_begins_a_new_session(self, folder: Path) -> None:
        async def run() -> None:
            terms = settings(tls=server_context(folder, "good"))
            async with receiving(desk := Desk(), "smtp", terms) as (port, _):
                client = await Client.connect(port)
                assert "STARTTLS" in await client.greet()
                await client.say(b"MAIL FROM:<before@x>\r\n")
                assert (await client.say(b"STARTTLS\r\n"))[0].startswith("220")
                await client.writer.start_tls(
                    ssl.create_default_context(cafile=str(folder / "good.crt")),
                    server_hostname="127.0.0.1",
                )
                assert (await client.say(b"RCPT TO:<b@x>\r\n"))[0].startswith("503")
                said = (await client.say(b"EHLO x\r\n"))[0]
                assert "STARTTLS" not in said
                assert (await client.say(b"STARTTLS\r\n"))[0].startswith("503")
                await client.say(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n", replies=3)
                assert (await client.say(b"x\r\n.\r\n"))[0].startswith("250")
                assert (await client.say(b"QUIT\r\n"))[0].startswith("221")
                client.close()
            (envelope,) = desk.taken
            assert envelope.peer.tls
            assert envelope.peer.protocol == "ESMTPS"
            assert envelope.reverse_path == "a@x"

        asyncio.run(run())

    def test_what_follows_starttls_in_its_packet_is_dropped(self, folder: Path) -> None:
        async def run() -> None:
            terms = settings(tls=server_context(folder, "good"))
            async with receiving(desk := Desk(), "smtp", terms) as (port, _):
                client = await Client.connect(port)
                await client.greet()
                await client.say(b"STARTTLS\r\nEHLO e\r\nMAIL FROM:<e@x>\r\nRCPT TO:<b@x>\r\n")
                await client.writer.start_tls(
                    ssl.create_default_context(cafile=str(folder / "good.crt")),
                    server_hostname="127.0.0.1",
                )
                assert (await client.say(b"NOOP\r\n"))[0].startswith("250 2.0.0")
                client.close()
            assert not desk.asked

        asyncio.run(run())

    def test_failed_handshake_ends_only_its_session(
        self, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def run() -> None:
            terms = settings(tls=server_context(folder, "good"))
            async with receiving(Desk(), "smtp", terms) as (port, receiver):
                client = await Client.connect(port)
                await client.greet()
                await client.say(b"STARTTLS\r\n")
                client.writer.write(b"NOOP\r\n" * 10)
                await client.rest()
                client.close()
                await until(lambda: not receiver._fronts[0]._sessions)
                other = await Client.connect(port)
                assert "STARTTLS" in await other.greet()
                other.close()

        asyncio.run(run())
        assert not [one for one in caplog.records if one.name.startswith("sealmon")]
