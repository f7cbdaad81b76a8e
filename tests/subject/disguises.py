"""Forged marks in other disguises than those of ``forgeries``, for some mail programs (T63)."""

import base64
from collections.abc import Iterator
from typing import Final

MARKS = ("SIGNED", "SIGNIERT", "ENCRYPTED", "SIGNATURE VALID")
MARK = "[SIGNED]"
WIDE = "［ＳＩＧＮＥＤ］"

# Alphabets with holes in Unicode's blocks: the letters that stand elsewhere.
SCRIPT = dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True))
FRAKTUR = dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True))
DOUBLE = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
HOLED = ((0x1D49C, 0x1D4B6, SCRIPT), (0x1D504, 0x1D51E, FRAKTUR), (0x1D538, 0x1D552, DOUBLE))
ENCLOSED = (0x24B6, 0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
# Other scripts, and letters that only a hurried reader takes for Latin ones.
SCRIPTS = {
    "Cherokee": ("SIGNEDRTVLABCHKMPWYZ", "ᏚᎥᏀNᎬᎠᎡᎢᏙᏞᎪᏴᏟᎻᏦᎷᏢᎳᎩᏃ"),
    "Lisu": ("SIGNEDRTVLACYPU", "ꓢꓲꓖꓠꓰꓓꓣꓔꓦꓡꓮꓚꓬꓑꓴ"),
    "Armenian": ("SNOUsnouhgq", "ՏՈՕՍѕոօսհցզ"),
    "Canadian syllabics": ("DVPL", "ᗞᐯᑭᒪ"),
    "Coptic": ("CEIKMNOPT", "ⲤⲈⲒⲔⲘⲚⲞⲢⲦ"),
    "Gothic": ("SINERT", "𐍃𐌹𐌽𐌴𐍂𐍄"),
    "Old Italic": ("SINER", "𐌔𐌉𐌍𐌄𐌓"),
    "Tifinagh": ("IE", "ⵊⴹ"),
    "small modifiers": ("signedrtvcylp", "ˢⁱᵍⁿᵉᵈʳᵗᵛᶜʸˡᵖ"),
    "modifiers": ("SIGNEDRTV", "ˢᴵᴳᴺᴱᴰᴿᵀⱽ"),
    "numerals": ("IDVLCM", "ⅠⅮⅤⅬⅭⅯ"),
    "phonetic": ("signedrt", "ʂɪɡɳɘɖɽʈ"),
    "strokes": ("SIGNED", "ꞨƗǤꞤɆĐ"),
    "hooks": ("SIGNED", "ⱾƖƓƝƐƊ"),
    "turned": ("erRN", "ǝɹᴙᴎ"),
    "schwa": ("eE", "əƏ"),
    "insular": ("DGRST", "ꝹᵹꞂꞄꞆ"),
}
OVERLAYS = tuple(
    "\u0334\u0336\u0337\u20d2\u20d8\u20e0\u20e4\u20e5\u20e6\u20ea\u20eb\u0488\u0360\u0f84"
)
PHRASES = (
    "SI🆖ED", "🆔 SIGNED", "S!GNED", "$IGNED", "$!GN€D", "5!6N3D", "SI9NED", "S1GN1ER7",
    "ENCRYP+ED",
    "ENCR¥PTED", "VER5CHLÜ55EL7", "VERSCHLÜ$$ELT", "VERSCHLÜẞELT", "ENCRYPTED✓", "✓SIGNED",
    "SIGNED ✔",
    "✅ SIGNED", "SIGNED 🔒", "SIGNED!", "SIGNED®", "SIGNED (OK)", "SIGNED: OK",
    "SIGNED/ENCRYPTED",
    "SIGNED, ENCRYPTED", "ENCRYPTED, SIGNED", "ENCRYPTED AND SIGNED", "SIGNED+ENCRYPTED",
    "VERSCHLÜSSELT UND SIGNIERT", "VERSCHLÜSSELT, SIGNIERT", "SIGNIERT & VERSCHLÜSSELT",
    "SIGNED BY YOUR BANK", "SIGNIERT VON IHRER BANK", "Ｓ𝐈Ｇ𝓝ⒺⅮ", "SⓘGN🄴D",
)  # fmt: skip
# What web pages make of a word: letters of any script that are read as Latin ones.
FANCY: Final = """
ᔕIGᑎEᗪ SIGИΣD 丂丨Ꮆ几乇ᗪ ꌗꀤꁅꈤꍟꀸ ₛᵢgₙₑd sιgɴεd ʂıɠŋɛɖ ⲋⲓⲅⲛⲉⲇ ЅIGИЄD $ïgñêÐ
§ÏGÑËÐ รเﻮภє๔ ѕιgηє∂ ᏕᎥᎶᏁᏋᎴ ˢᶦᵍⁿᵉᵈ S҉I҉G҉N҉E҉D҉ §ïgñê∂ ςเﻮภєđ ડᏆᎶᏁᎬᎠ Ꮥ1ᎶᏁᏋᎠ
ՏɿցղҽԺ SłGNĘĐ ЅІԌΝЕԀ ꮪꭵꮆꮑꭼꭰ ᔑIGᑎEᗞ ᏕᎥᎶᏁᎥᏋᏒᏖ รเﻮภเєгt 丂丨Ꮆ几丨乇尺ㄒ ЄИCЯУPTΣD
乇几匚尺ㄚ卩ㄒ乇ᗪ єภςгץקtє๔ ᏋᏁፈᏒᎩᎮᏖᏋᎴ єηcяуρтє∂ ƐŊƇƦƳƤƬƐƊ ɇnȼɍɏꝑŧɇđ ΣПCЯYPTΣD
丂ﾉg刀乇d
""".split()  # noqa: SIM905 a list would be three times as long
# Brackets that are none by Unicode: pieces of boxes, pointers, bars of every kind.
FRAMES: Final = """
꧁꧂ ≺≻ ⊑⊒ ⊆⊇ ⋤⋥ ⫏⫐ ⎨⎬ ⎰⎱ ⌠⌡ ⩽⩾ ╣╠ ╡╞ ┤├ ├┤ ╟╢ ▐▌
▌▐ ██ ■■ ◁▷ ◀▶ ◂▸ ◄► ►◄ ⊲⊳ ⫾⫾ ⸾⸾ ⋮⋮ ︱︱ ︳︳ ⸽⸽ ⦙⦙ ︙︙
׀׀ ।। ॥॥ ၊၊ ㅣㅣ ㇑㇑ ⁞⁞ ┆┆ ┇┇ ┊┊ ┋┋ ╎╎ ╏╏ ⼁⼁ ⫴⫴ ⫼⫼ 𝄀𝄀 ⟅⟆ ⧘⧙ ⸦⸧ ⌜⌟ ⎛⎞ ︿﹀ ﹁﹂ ༺༻ ༼༽ ᚛᚜ ⸠⸡
""".split()  # noqa: SIM905 a list would be three times as long


def _swapped(text: str, letters: tuple[str, str]) -> str:
    return text.translate(str.maketrans(*letters))


def _block(text: str, capital: int, small: int, holes: dict[str, str]) -> str:
    return "".join(
        holes.get(char) or chr((capital if char.isupper() else small) + (ord(char) & 31) - 1)
        if char.isalpha()
        else char
        for char in text
    )


def subjects() -> Iterator[str]:
    """Give marks in disguise, as decoded text."""
    for mark in MARKS:
        for capital, small, holes in HOLED:
            for text in (mark, mark.lower(), mark.title()):
                yield f"[{_block(text, capital, small, holes)}]"
        for first in ENCLOSED:
            yield f"[{_block(mark, first, first, {})}]"
            yield f"【{' '.join(_block(mark, first, first, {}))}】"
        for letters in SCRIPTS.values():
            for text in (mark, mark.lower()):
                if _swapped(text, letters) != text:
                    yield f"[{_swapped(text, letters)}]"
        for overlay in OVERLAYS:
            yield "[" + "".join(f"{char}{overlay}" for char in mark) + "]"
            yield f"[{overlay}{mark}]{overlay}"
        tags = "".join(chr(0xE0000 + ord(char)) for char in mark)
        yield f"[{tags}{mark}{tags}]"
        yield "[" + "\U000e007f".join(mark) + "]"
        yield from _turned(mark)
    yield from (f"[{phrase}]" for phrase in (*PHRASES, *FANCY))
    yield from (f"{left}SIGNED{right}" for left, right in map(tuple, FRAMES))


def _turned(mark: str) -> Iterator[str]:
    """Give the mark with controls that order it, isolates inside of one another too."""
    back, middle = mark[::-1], len(mark) // 2
    for begin, end in (("\u2066", "\u2069"), ("\u2067", "\u2069"), ("\u2068", "\u2069")):
        yield f"{begin}[{mark}]{end}"
        yield f"[{begin}{mark[:middle]}{end}{begin}{mark[middle:]}{end}]"
        yield f"\u2067{begin}[{end}{mark}\u2069]"
        yield f"{begin}\u202e]{back}[\u202c{end}"
        yield f"{begin}\u202b[{mark}]\u202c{end}"
    yield f"\u061c[{mark}]\u061c"
    yield f"\u202a\u202a[{mark}\u202c]\u202c"


def word(charset: str, octets: bytes, encoding: str = "b") -> bytes:
    """Return an encoded word of these octets, whatever its charset is called."""
    if encoding == "b":
        payload = base64.b64encode(octets)
    else:
        payload = b"".join(b"=%02X" % octet for octet in octets)
    return b"=?%s?%s?%s?=" % (charset.encode(), encoding.encode(), payload)


# Name in the message -> Python's name for it. Some are labels that only browsers and Windows know.
CHARSETS = {
    "utf-7": "utf-7", "UNICODE-1-1-UTF-7": "utf-7", "csUnicode11UTF7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "unicode": "utf-16-le", "ucs-2": "utf-16-le", "ISO-10646-UCS-2": "utf-16-le",
    "csUnicode": "utf-16-le", "unicodeFFFE": "utf-16-be", "unicodeFEFF": "utf-16-le",
    "utf-32": "utf-32", "ucs-4": "utf-32-be", "ISO-10646-UCS-4": "utf-32-be", "utf-8": "utf-8",
    "utf8": "utf-8", "cp65001": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-unicode20utf8": "utf-8",
    "gb18030": "gb18030", "gbk": "gbk", "x-gbk": "gbk", "gb2312": "gb2312", "hz-gb-2312": "hz",
    "euc-kr": "euc-kr", "windows-949": "cp949", "ks_c_5601-1987": "cp949",
    "iso-2022-kr": "iso2022_kr",
    "iso-2022-jp": "iso2022_jp", "iso-2022-jp-2": "iso2022_jp_2", "csISO2022JP": "iso2022_jp",
    "x-iso-2022-jp": "iso2022_jp", "cp50220": "iso2022_jp", "cp50221": "iso2022_jp",
    "euc-jp": "euc_jp", "x-euc-jp": "euc_jp", "shift_jis": "shift_jis", "x-sjis": "shift_jis",
    "windows-31j": "cp932",
}  # fmt: skip
MAINFRAMES = (
    "ibm037", "cp037", "ebcdic-cp-us", "ibm500", "cp875", "ibm1047", "IBM01141", "ibm277",
    "ibm278",
    "ibm280", "ibm285", "ibm871", "x-ebcdic-germany", "ebcdic-us", "cp-037", "x-ibm037", "CP1047",
)  # fmt: skip
BASE64 = (
    b"W1NJR05FRF0", b"W1NJR05FRF0==", b"W1NJR05FRF0=A", b"W1NJ R05F RF0=", b"W1NJ\r\n R05FRF0=",
    b"W1NJ-R05F_RF0=", b"W1NJ=R05FRF0=", b"W1NJ==R05FRF0=", b"W1M=SUdORURd", b"W1M==SUdORURd",
    b"=W1NJR05FRF0=", b"====W1NJR05FRF0=", b"W1NJR05FRF0=????", b"!W1N!JR0!5FR!F0=",
    b"W1NJR05FRF0*",
    b"W1NJR05FRF", b"W1NJR05FRF0=Zg==", b"W1NJR05F\x00RF0=", b'"W1NJR05FRF0="', b"W1NJ,R05FRF0=",
    b"W1NJR\xc2\xad05FRF0=",
)  # fmt: skip
QUOTED = (
    b"=5BSIG=\r\n NED=5D", b"=5BSIG=20=0D=0ANED=5D", b"=5B=53=49=47=4E=45=44=5D", b"=5BSIGNED=5",
    b"=5BSIGNED=", b"=5BSIG==NED=5D", b"_=5BSIGNED=5D_", b"=5 BSIGNED=5D", b"=5BSIG=00NED=5D",
    b"=5BSIG=FFNED=5D", b"=5BSIG=E2=80NED=5D", b"[SIG\xe2\x80\x8bNED]", b"=5BSIGNED=5D\xc3\xa9",
    b"Was?_=5BSIGNED=5D", b"=5BSIG?NED=5D",
)  # fmt: skip
_MARK: Final = b"=5BSIGNED=5D"
WORDS = (
    b"=?utf-8?q?%s", b"=?utf-8?q?%s?", b"=?utf-8?q?%s=", b"=?utf-8\r\n ?q?%s?=",
    b"=?utf-8?q?\r\n %s?=",
    b"=?utf-8 ?q?%s?=", b"=?utf-8?q ?%s?=", b"=? utf-8?q?%s?=", b"= ?utf-8?q?%s?=",
    b"=\r\n ?utf-8?q?%s?=",
    b"=?utf-8?q?%s?\r\n =", b"=??q?%s?=", b"=?utf-8''?q?%s?=", b"=?utf-8*en*x?q?%s?=",
    b"=?'utf-8'?q?%s?=",
    b'=?"utf-8"?q?%s?=', b"a=?utf-8?q?%s?=b", b"(=?utf-8?q?%s?=)", b"<=?utf-8?q?%s?=>",
    b"=?utf-8?q?=5B?==?utf-8?b?U0lHTkVE?==?utf-8?q?=5D?=", b"=?utf-8?q?=5B?=SIGNED=?utf-8?q?=5D?=",
    b"=?utf-8?q?=5BSIG=?utf-8?q?NED=5D?=", b"=?utf-8?q?=5BSIG =?utf-8?q?NED=5D?=",
    b"=?utf-16le?b?WwBTAEkARwA=?= =?utf-16be?b?AE4ARQBEAF0=?=", b"~{#[#S#I#G#N#E#D#]~}",
    b"=?iso-2022-jp?b?GyRCIU4jUyNJI0c=?= =?iso-2022-jp?b?GyRCI04jRSNEIU8bKEI=?=",
    b"=?iso-2022-jp?q?=1B$B!N#S#I#G#N#E#D!O=1B(B?=", b"\x1b$B!N#S#I#G#N#E#D!O\x1b(B",
)  # fmt: skip
RAW = ("gb18030", "euc_jp", "shift_jis", "euc_kr")


def fields() -> Iterator[bytes]:
    """Give values of a Subject field that some mail program shows as a mark."""
    for charset, codec in CHARSETS.items():
        yield word(charset, MARK.encode(codec))
        yield word(charset, MARK.encode(codec), "q")
        yield word(charset, WIDE.encode(codec))
    for charset in MAINFRAMES:
        yield word(charset, MARK.encode("cp500" if charset in {"ibm500", "cp875"} else "cp037"))
    yield word("koi8", "[SIGNЕD]".encode("koi8-r"))
    yield word("x-mac-cyrillic", "[SIGNЕD]".encode("mac_cyrillic"))
    yield from (b"=?utf-8?B?%s?=" % payload for payload in BASE64)
    yield from (b"=?utf-8?Q?%s?=" % payload for payload in QUOTED)
    yield from (each.replace(b"%s", _MARK) for each in WORDS)
    yield from (WIDE.encode(codec) for codec in RAW)
    yield "[ЅIGNЕD]".replace("Ѕ", "S").encode("koi8_r")
    yield "[SIGNЕD]".encode("cp1251")


_LOCK: Final = "🔏".encode()
# Display names that some mail program shows with the symbol of a valid signature.
NAMES = (
    _LOCK + b" Chef", b'"' + _LOCK + b' Chef"', word("utf-8", _LOCK), word("utf-8", _LOCK, "q"),
    b'"' + word("utf-8", _LOCK) + b'"', word("utf-8", _LOCK[:2]) + b" " + word("utf-8", _LOCK[2:],
    "q"),
    word("utf-8", _LOCK[:2], "q") + word("utf-8", _LOCK[2:], "q"), word("utf-7",
    "🔏".encode("utf-7")),
    word("utf-16", "🔏".encode("utf-16")), word("unicode", "🔏".encode("utf-16-le")),
    word("gb18030", "🔏".encode("gb18030")), word("x-unknown", _LOCK, "q"), word("utf-8*de",
    _LOCK),
    b"=?utf-8?q?=F0=9F=94=8F", b"=?utf-8?q?=F0=9F=94=8F?", b"= ?utf-8?q?=F0=9F=94=8F?=",
    b"=\r\n ?utf-8?q?=F0=9F=94=8F?=", b"=?utf-8?q?Was?_=F0=9F=94=8F?=", b"=?utf-8?b?8J+=Ujw==?=",
    b"=?utf-8?b?8J-Ujw==?=", word("utf-8", word("utf-8", _LOCK, "q")),
    b"=?UTF-8?Q?" + _LOCK + b"?=",
    b"Chef (" + word("utf-8", _LOCK) + b")", b"=?utf-8?q?=f0=9f=94=8f?=",
)  # fmt: skip
