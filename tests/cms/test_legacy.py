import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from app.cms.legacy import decrypt_rc2, unwrap_3des

# RFC 2268 §5: key, effective bits, plaintext, ciphertext.
RC2_VECTORS = [
    ("0000000000000000", 63, "0000000000000000", "ebb773f993278eff"),
    ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
    ("3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"),
    ("88", 64, "0000000000000000", "61a8a244adacccf0"),
    ("88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"),
    ("88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"),
    ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
    (
        "88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e",
        129,
        "0000000000000000",
        "5b78d3a43dfff1f1",
    ),
]


@pytest.mark.parametrize(("key", "bits", "plaintext", "ciphertext"), RC2_VECTORS)
def test_rc2_is_that_of_rfc_2268(key: str, bits: int, plaintext: str, ciphertext: str) -> None:
    block = memoryview(bytes.fromhex(ciphertext))
    assert decrypt_rc2(bytes.fromhex(key), bits, bytes(8), block).hex() == plaintext


def test_rc2_chains_like_the_primitives() -> None:
    key, iv, content = bytes(range(16)), bytes(range(8)), bytes(range(64))
    sealer = Cipher(RC2(key), modes.CBC(iv)).encryptor()
    ciphertext = sealer.update(content) + sealer.finalize()
    assert decrypt_rc2(key, 128, iv, memoryview(ciphertext)) == content


def test_a_triple_des_key_is_unwrapped() -> None:
    # RFC 3217 §3.4.
    kek = bytes.fromhex("255e0d1c07b646dfb3134cc843ba8aa71f025b7c0838251f")
    wrapped = "690107618ef092b3b48ca1796b234ae9fa33ebb4159604037db5d6a84eb3aac2768c632775a467d4"
    expected = "2923bf85e06dd6ae529149f1f1bae9eab3a7da3d860d3e98"
    assert unwrap_3des(kek, bytes.fromhex(wrapped)).hex() == expected


@pytest.mark.parametrize("octets", [0, 39, 40, 41])
def test_what_is_no_wrapped_key_is_an_error(octets: int) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        unwrap_3des(bytes(range(24)), bytes(octets))


def test_triple_des_is_there_to_read() -> None:
    assert TripleDES(bytes(range(24))).key_size == 192
