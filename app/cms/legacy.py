"""Two things that are only ever read: RC2 (RFC 2268) and the Triple-DES key wrap (RFC 3217).

No primitive carries RC2 with a shortened key, so it is written out here; it is slow, and content
beyond a small size is refused before it starts. Both come after the decision that a weak cipher
may be read at all.
"""

import hashlib
import hmac
from functools import lru_cache
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

RC2_LIMIT_OCTETS: Final = 256 * 1024
_BLOCK_OCTETS: Final = 8
# RFC 3217 §3.1.
_WRAP_IV: Final = bytes.fromhex("4adda22c79e82105")
_WRAPPED_OCTETS: Final = 40
# RFC 2268 §2: the digits of pi as a permutation of 0 to 255.
_PI: Final = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


@lru_cache(maxsize=16)
def _expand(key: bytes, bits: int) -> tuple[int, ...]:
    """Return the 64 words of the expanded key (RFC 2268 §2)."""
    table = bytearray(key)
    for place in range(len(key), 128):
        table.append(_PI[(table[place - 1] + table[place - len(key)]) & 0xFF])
    octets = (bits + 7) // 8
    start = 128 - octets
    table[start] = _PI[table[start] & 0xFF >> (8 * octets - bits)]
    for place in range(start - 1, -1, -1):
        table[place] = _PI[table[place + 1] ^ table[place + octets]]
    return tuple(table[place] | table[place + 1] << 8 for place in range(0, 128, 2))


def _open_block(words: tuple[int, ...], block: int) -> int:
    """Return one block decrypted: mixing and mashing backwards (RFC 2268 §4)."""
    state = [block >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    for turn in range(15, -1, -1):
        for place, rotation in ((3, 5), (2, 3), (1, 2), (0, 1)):
            before, two, three = state[place - 1], state[place - 2], state[place - 3]
            value = state[place]
            value = (value >> rotation | value << 16 - rotation) & 0xFFFF
            mixed = words[4 * turn + place] + (before & two) + (~before & three)
            state[place] = value - mixed & 0xFFFF
        if turn in {5, 11}:
            for place in (3, 2, 1, 0):
                state[place] = state[place] - words[state[place - 1] & 63] & 0xFFFF
    return state[0] | state[1] << 16 | state[2] << 32 | state[3] << 48


def decrypt_rc2(key: bytes, bits: int, iv: bytes, ciphertext: memoryview) -> bytes:
    """Return the CBC plaintext with its padding; the ciphertext is whole blocks."""
    words = _expand(key, bits)
    before = int.from_bytes(iv, "little")
    content = bytearray()
    for place in range(0, len(ciphertext), _BLOCK_OCTETS):
        block = int.from_bytes(ciphertext[place : place + _BLOCK_OCTETS], "little")
        content += (_open_block(words, block) ^ before).to_bytes(_BLOCK_OCTETS, "little")
        before = block
    return bytes(content)


def unwrap_3des(kek: bytes, wrapped: bytes) -> bytes:
    """Return the Triple-DES key in a key wrap; raises ValueError if it is none (RFC 3217 §3.2)."""
    if len(wrapped) != _WRAPPED_OCTETS:
        raise ValueError
    cipher = TripleDES(kek)
    outer = Cipher(cipher, modes.CBC(_WRAP_IV)).decryptor()
    swapped = (outer.update(wrapped) + outer.finalize())[::-1]
    inner = Cipher(cipher, modes.CBC(swapped[:_BLOCK_OCTETS])).decryptor()
    checked = inner.update(swapped[_BLOCK_OCTETS:]) + inner.finalize()
    key, check = checked[:-_BLOCK_OCTETS], checked[-_BLOCK_OCTETS:]
    # The checksum of RFC 3217 §2 is the start of a SHA-1 over the key.
    if not hmac.compare_digest(hashlib.sha1(key, usedforsecurity=False).digest()[:8], check):
        raise ValueError
    return key
