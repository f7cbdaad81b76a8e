"""The German of what a reason speaks of, where that is a sentence of our own.

The readers of octets (app/mail, app/smime/kinds.py) say in English what they found. A detail that
comes from a message or a certificate has no other language and stays.
"""

import re
from functools import lru_cache
from typing import Final

# English, with {} for what differs, and German. A rule test looks for sentences that are not here.
DETAILS: Final[dict[str, str]] = {
    # From and Sender
    "several From fields": "mehrere From-Felder",
    "no From field": "kein From-Feld",
    "From field over {} octets": "From-Feld über {} Oktette",
    "From cannot be read: {}": "From ist nicht zu lesen: {}",
    "From names a group": "From nennt eine Gruppe",
    "From names several mailboxes": "From nennt mehrere Postfächer",
    "From is empty": "From ist leer",
    "several Sender fields": "mehrere Sender-Felder",
    "Sender field over {} octets": "Sender-Feld über {} Oktette",
    "Sender cannot be read": "Sender ist nicht zu lesen",
    "Sender is no single mailbox": "Sender ist nicht genau ein Postfach",
    "display name that is another address": "Anzeigename, der eine andere Adresse ist",
    "encoded word that cannot be read": "kodiertes Wort, das nicht zu lesen ist",
    # addresses
    "comment that does not end": "Kommentar ohne Ende",
    "stray {}": "{} am falschen Ort",
    "text after the address": "Text hinter der Adresse",
    "address that does not end": "Adresse ohne Ende",
    "address field over {} octets": "Adressfeld über {} Oktette",
    "8-bit octets that are not UTF-8": "8-Bit-Oktette, die kein UTF-8 sind",
    "group that does not end": "Gruppe ohne Ende",
    "white space or a comment inside of an address": "Leerraum oder Kommentar in einer Adresse",
    "address over {} octets": "Adresse über {} Oktette",
    "control or invisible character in an address": (
        "Steuerzeichen oder unsichtbares Zeichen in einer Adresse"
    ),
    "not an addr-spec": "keine Adresse",
    "local part that is neither a dot-atom nor quoted": (
        "lokaler Teil, der weder ein dot-atom noch in Anführungszeichen ist"
    ),
    "address that is too long": "zu lange Adresse",
    # header sections
    "header section over {} octets": "Kopf über {} Oktette",
    "header field over {} octets": "Kopffeld über {} Oktette",
    "more than {} header fields": "mehr als {} Kopffelder",
    "several {} fields": "mehrere Felder {}",
    "bare CR": "einzelnes CR",
    "bare LF": "einzelnes LF",
    "NUL": "NUL",
    "control character": "Steuerzeichen",
    "fold of white space only": "Falz nur aus Leerraum",
    "white space before the colon": "Leerraum vor dem Doppelpunkt",
    "mbox line": "mbox-Zeile",
    "line that is no field": "Zeile, die kein Feld ist",
    # MIME
    "Content-Type that cannot be read": "Content-Type, der nicht zu lesen ist",
    "multipart with a transfer encoding": "multipart mit Transportkodierung",
    "multipart without a boundary": "multipart ohne Trennzeile",
    "boundary with a fold or escape": "Trennzeile mit Falz oder Escape",
    "boundary over {} octets": "Trennzeile über {} Oktette",
    "MIME depth over {}": "MIME-Tiefe über {}",
    "more than {} MIME parts": "mehr als {} MIME-Teile",
    "more than {} parts": "mehr als {} Teile",
    "line that begins like a delimiter": "Zeile, die wie eine Trennzeile beginnt",
    "no closing delimiter": "keine schließende Trennzeile",
    "delimiter after the last one": "Trennzeile nach der letzten",
    "delimiters in a row": "Trennzeilen unmittelbar hintereinander",
    "delimiter after a bare line end": "Trennzeile nach einem einzelnen CR oder LF",
    "multipart/signed with {} parts": "multipart/signed mit {} Teilen",
    "the second part is no signature": "der zweite Teil ist keine Signatur",
    "the CMS contentType is none of S/MIME": "der CMS-contentType gehört nicht zu S/MIME",
    "smime-type {} on {}": "smime-type {} an {}",
}
_BETWEEN: Final = ", "
_PATTERNS: Final = tuple(
    (re.compile(re.escape(english).replace(r"\{\}", "(.+?)"), re.DOTALL), german)
    for english, german in DETAILS.items()
)


@lru_cache(maxsize=1_024)
def in_german(detail: str) -> str:
    """Return a detail in German; one that is no sentence of ours as it is."""
    for pattern, german in _PATTERNS:
        found = pattern.fullmatch(detail)
        if found:
            return german.format(*map(in_german, found.groups()))
    if _BETWEEN in detail:
        return _BETWEEN.join(map(in_german, detail.split(_BETWEEN)))
    return detail
