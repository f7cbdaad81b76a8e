"""Forged marks: what somebody would type, paste or encode to have a reader see a mark (T63, B9)."""

import base64
import quopri
import string
import unicodedata
from collections.abc import Callable, Iterator
from typing import Final

TAGS = (
    "SIGNIERT", "SIGNED", "VERSCHLÜSSELT", "ENCRYPTED", "SIGNATUR UNGÜLTIG",
    "ZERTIFIKAT GESPERRT", "SIGNATURE NOT TRUSTED", "SIGNATUR NICHT PRÜFBAR",
)  # fmt: skip
NAMED = (
    "SIGNIERT VON <*@example.com>",
    "SIGNED BY <*@example.com>",
    "SIGNATUR VON ANDEREM ABSENDER <chef@example.com>",
    "SIGNED BY SOMEBODY ELSE <boss@example.com>",
)
FORMER = "[GEPRÜFT VOM TOR]"

GREEK = str.maketrans("ABEHIKMNOPTXYZo", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖο")
CYRILLIC = str.maketrans("ABCEHIKMOPSTXaceijopsxy", "АВСЕНІКМОРЅТХасеіјорѕху")
FAUX = str.maketrans("NR", "ИЯ")
LEET = str.maketrans("IEOSGT", "130567")
STROKE = tuple("l1|ıİі")
SMALL_CAPITALS = str.maketrans("abcdefghijklmnoprstuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ")
ZERO_WIDTH = tuple(
    "\u00ad\u034f\u061c\u115f\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2063"
    "\u2064\u206a\u206f\u3164\ufe00\ufe0f\ufeff\uffa0\ufff0\U0001d173\U000e0001\U000e0041\U000e0100"
)
BLANKS = tuple("\u00a0\u1680\u2000\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t")
POINTS = tuple(".-_'·*~:,;/\\\u2022\u2027\u30fb\u2800\u02bc\u2019")
MARKS = tuple("\u0301\u0308\u0323\u0332\u0335\u0338\u0489\u20dd\u20e3")
CONTROLS = tuple("\x00\x01\x07\x08\x0b\x1f\x7f\x85\x9f")
PAIRS: Final = """
() [] {} <> «» ‹› 【】 ［］ ⟦⟧ 「」 『』 〔〕 〖〗 〘〙
〚〛 ⁅⁆ ❨❩ ❪❫ ❬❭ ❮❯ ❰❱ ❲❳ ❴❵ ⟨⟩ ⟪⟫ ⟬⟭ ⦃⦄ ⦅⦆
⦇⦈ ⦉⦊ ⦋⦌ ⦍⦎ ⦏⦐ ⦑⦒ ⦗⦘ ⧼⧽ ⸢⸣ ⸤⸥ ⸨⸩ ⌈⌉ ⌊⌋ ⁽⁾
₍₎ ﴾﴿ （） ｛｝ ｢｣ ﹙﹚ ﹛﹜ ﹝﹞ ︗︘ ︵︶ ︷︸ ︹︺ ︻︼ ﹇﹈
⎡⎤ ⎣⎦ ˹˼ ⊏⊐ ┌┐ ╔╗ 匚コ || ││ ┃┃ ｜｜ 《》 〈〉 ⟮⟯
〈〉
""".split()  # noqa: SIM905 a list would be three times as long


def styled(text: str, first_capital: int, first_small: int) -> str:
    """Return the text in another alphabet of mathematics, enclosed or full-width letters."""
    return "".join(
        chr(first_capital + ord(char) - 65)
        if char in string.ascii_uppercase
        else chr(first_small + ord(char) - 97)
        if char in string.ascii_lowercase
        else char
        for char in text
    )


ALPHABETS = (
    (0xFF21, 0xFF41), (0x1D400, 0x1D41A), (0x1D434, 0x1D44E), (0x1D468, 0x1D482),
    (0x1D4D0, 0x1D4EA), (0x1D5A0, 0x1D5BA), (0x1D5D4, 0x1D5EE), (0x1D608, 0x1D622),
    (0x1D63C, 0x1D656), (0x1D670, 0x1D68A), (0x1D56C, 0x1D586), (0x24B6, 0x24D0),
    (0x1F110, 0x249C), (0x1F130, 0x24D0), (0x1F150, 0x24D0), (0x1F170, 0x24D0), (0x1F1E6, 0x24D0),
)  # fmt: skip


def _between(sign: str) -> Callable[[str], str]:
    return lambda tag: f"[{sign.join(tag)}]"


def letters_of(tag: str) -> Iterator[str]:
    """Give the tag in other letters."""
    plain = unicodedata.normalize("NFD", tag).replace("\u0308", "")
    for table in (GREEK, CYRILLIC):
        yield f"[{tag.translate(table)}]"
        yield f"[{tag.lower().translate(table)}]"
    for at in range(len(tag)):
        for table in (GREEK, CYRILLIC, FAUX, LEET):
            other = tag[at].translate(table)
            if other != tag[at]:
                yield f"[{tag[:at]}{other}{tag[at + 1 :]}]"
    for first_capital, first_small in ALPHABETS:
        yield f"[{styled(plain, first_capital, first_small)}]"
    yield f"[{plain.lower().translate(SMALL_CAPITALS)}]"
    for stroke in STROKE:
        yield f"[{tag.replace('I', stroke).replace('L', stroke)}]"
        yield f"[{tag.lower().replace('i', stroke).replace('l', stroke)}]"
    yield from (f"[{tag.lower()}]", f"[{tag.title()}]", f"[{tag.swapcase()}]", f"[{plain}]")
    yield f"[{unicodedata.normalize('NFD', tag)}]"
    yield "[" + "".join(c.upper() if n % 2 else c.lower() for n, c in enumerate(tag)) + "]"
    yield f"[{tag.replace('Ü', 'UE')}]"


def between_of(tag: str) -> Iterator[str]:
    """Give the tag with something between its letters that a reader does not see, or overlooks."""
    for sign in (*ZERO_WIDTH, *BLANKS, *POINTS, *MARKS, *CONTROLS):
        yield _between(sign)(tag)
        middle = len(tag) // 2
        yield f"[{tag[:middle]}{sign}{tag[middle:]}]"
        yield f"[{sign}{tag}{sign}]"
    yield _between("\u200b\u00a0\u2060")(tag)


def order_of(tag: str) -> Iterator[str]:
    """Give the tag in an order that bidirectional controls turn into the right one."""
    back = tag[::-1]
    middle = len(tag) // 2
    yield f"\u202e]{back}[\u202c"
    yield f"\u202e[{back}]\u202c"
    yield f"[\u202e{back}\u202c]"
    yield f"[{tag[:middle]}\u202e{tag[middle:][::-1]}\u202c]"
    yield f"[\u202e{tag[:middle][::-1]}\u202c{tag[middle:]}]"
    yield f"\u2067[\u202e{back}\u202c]\u2069"
    yield f"\u202d[{tag}]\u202c"
    yield f"\u2066[{tag}]\u2069"
    yield f"[\u2067{tag[middle:]}\u200f{tag[:middle]}\u2069]"
    yield f"\u200f[{tag}]\u200f"
    yield f"[{tag[:2]}\u202e{back[:-2]}\u202c]"


def brackets_of(tag: str) -> Iterator[str]:
    """Give the tag in every kind of bracket, in several, in the wrong ones, in one only."""
    for pair in PAIRS:
        left, right = pair[0], pair[1]
        yield f"{left}{tag}{right}"
        yield f"[{left}{tag}{right}]"
        yield f"{left}{tag}]"
        yield f"[{tag}{right}"
    yield from (f"[[{tag}]]", f"[[[{tag}]]]", f"[ ( {tag} ) ]", f"([{{{tag}}}])")
    middle = len(tag) // 2
    yield f"[{tag[:middle]}[{tag}]{tag[middle:]}]"
    yield f"[{tag[:middle]}[{tag[:middle]}[{tag}]{tag[middle:]}]{tag[middle:]}]"
    yield f"[{tag[:middle]}]{tag[middle:]}]"
    yield f"[{tag[:middle]}[{tag[middle:]}]"
    yield from (f"[{tag}", f"{tag}]", f"l{tag}]", f"[{tag}l", f"|{tag} |", f"| {tag}|")


def edits_of(tag: str) -> Iterator[str]:
    """Give the tag with one letter more, less, or another one."""
    for at in range(len(tag)):
        yield f"[{tag[:at]}{tag[at + 1 :]}]"
        yield f"[{tag[:at]}X{tag[at + 1 :]}]"
        yield f"[{tag[:at]}X{tag[at:]}]"
    yield f"[{tag}X]"


def subjects() -> Iterator[str]:
    """Give every forged mark, as decoded text."""
    for tag in TAGS:
        for family in (letters_of, between_of, order_of, brackets_of, edits_of):
            yield from family(tag)
    for tag in NAMED:
        yield from (
            f"[{tag}]",
            f"[{tag.lower()}]",
            f"{{{tag}}}",
            f"【{tag}】",
            f"({tag})",
            f"[{tag}",
        )
        yield from (_between("\u200b")(tag), f"[{tag.translate(CYRILLIC)}]", f"[[{tag}]]")
        yield from (f"[{tag.replace('<', '').replace('>', '')}]", f"[{tag.replace('<', '«')}]")
        yield from (f"[{tag.replace('@', '＠')}]", f"\u202e]{tag[::-1]}[\u202c")
        yield from edits_of(tag.partition(" <")[0] + " chef@example.com")


def _words(text: str, charset: str, encoding: str) -> bytes:
    octets = text.encode(charset)
    if encoding == "b":
        return b"=?%s?b?%s?=" % (charset.encode(), base64.b64encode(octets))
    quoted = quopri.encodestring(octets, quotetabs=True).replace(b"=\n", b"").replace(b" ", b"_")
    return b"=?%s?q?%s?=" % (charset.encode(), quoted.replace(b"?", b"=3F").replace(b"[", b"=5B"))


def fields() -> Iterator[bytes]:
    """Give forged Subject values as octets: every way to encode a mark, and to split it."""
    for tag in ("[SIGNED]", "[VERSCHLÜSSELT]", "[SIGNIERT VON <*@example.com>]"):
        yield tag.encode()
        for charset in (
            "utf-8",
            "UTF-8",
            "iso-8859-1",
            "windows-1252",
            "utf-16",
            "utf-7",
            "utf-32",
        ):
            for encoding in "bq":
                yield _words(tag, charset, encoding)
        yield tag.encode("latin-1")
        for at in range(1, len(tag)):
            yield _words(tag[:at], "utf-8", "q") + b" " + _words(tag[at:], "utf-8", "b")
            yield _words(tag[:at], "utf-8", "b") + b"\r\n " + _words(tag[at:], "iso-8859-1", "q")
            yield _words(tag[:at], "utf-8", "q") + _words(tag[at:], "utf-8", "q")
            yield _words(tag[:at], "utf-8", "q") + tag[at:].encode()
            yield tag[:at].encode() + _words(tag[at:], "utf-8", "q")
        yield b" ".join(_words(char, "utf-8", "q") for char in tag)
        yield b"=?utf-8?q??= " * 20 + _words(tag, "utf-8", "b")
        yield b'"' + _words(tag, "utf-8", "q") + b'"'
        yield _words(_words(tag, "utf-8", "b").decode(), "utf-8", "b")
        yield _words(
            _words(_words(tag, "utf-8", "q").decode(), "utf-8", "b").decode(), "utf-8", "q"
        )
    yield b"=?utf-8?b?W1NJR07F?= =?utf-8?b?RUTdXQ==?="
    yield b"=?koi8-r?b?" + base64.b64encode("[ЅIGNED]".replace("Ѕ", "S").encode("koi8-r")) + b"?="
    yield b"=?iso-2022-jp?b?" + base64.b64encode("［ＳＩＧＮＥＤ］".encode("iso-2022-jp")) + b"?="
    yield "［ＳＩＧＮＥＤ］".encode("iso-2022-jp")
    yield b"=?gb18030?b?" + base64.b64encode("【ＳＩＧＮＥＤ】".encode("gb18030")) + b"?="
    yield b"=?x-unknown?q?=5BSIGNED=5D?="
    yield b"=?utf-8*de?q?=5BSIGNED=5D?="
    yield b"=?utf-8?q?=5BSIGNED=5D"
    yield b"=?utf-8?q?[SIGNED] with blanks?="
    yield b"=?utf-8?q?=5bsigned=5d?="
    yield b"=?utf-8?Q?=5BSIG?=\r\n\t=?utf-8?Q?NED=5D?="
    yield b"=?utf-8?q??= " * 900 + b"=?utf-8?q?=5BSIGNED=5D?="
    yield b"[SIGN\xffED]"
    yield b"[S\xffI\xffGN\xffED]"
    yield b"[SIG\r\n NED]"
    yield b"[SIG\x00NED]"
