"""The mark texts: what the subject says about a message, in each language, now and formerly.

Pure data and the look-up in it. The shipped texts are those of the table of statuses; the owner's
own take their place one by one, and every text that was ever in force stays known, because the
subject is cleaned of those too. How marks are put on and taken off is the business of app/subject.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Self

LANGUAGES: Final = ("de", "en")
DISPLAYS: Final = ("text", "symbol", "none")

ENCRYPTED: Final = "encrypted"
"""The key of the mark for decrypted messages; all other keys are statuses of a signature."""
KEYS: Final = (
    "valid",
    "valid-domain",
    "valid-other",
    "untrusted",
    "revoked",
    "invalid",
    "partial",
    "unsupported",
    ENCRYPTED,
)

SHIPPED: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("de", "valid"): "[SIGNIERT]",
        ("de", "valid-domain"): "[SIGNIERT VON <*@{domain}>]",
        ("de", "valid-other"): "[SIGNATUR VON ANDEREM ABSENDER <{address}>]",
        ("de", "untrusted"): "[SIGNATUR NICHT VERTRAUENSWÜRDIG]",
        ("de", "revoked"): "[ZERTIFIKAT GESPERRT]",
        ("de", "invalid"): "[SIGNATUR UNGÜLTIG]",
        ("de", "partial"): "",
        ("de", "unsupported"): "[SIGNATUR NICHT PRÜFBAR]",
        ("de", ENCRYPTED): "[VERSCHLÜSSELT]",
        ("en", "valid"): "[SIGNED]",
        ("en", "valid-domain"): "[SIGNED BY <*@{domain}>]",
        ("en", "valid-other"): "[SIGNED BY SOMEBODY ELSE <{address}>]",
        ("en", "untrusted"): "[SIGNATURE NOT TRUSTED]",
        ("en", "revoked"): "[CERTIFICATE REVOKED]",
        ("en", "invalid"): "[SIGNATURE INVALID]",
        ("en", "partial"): "",
        ("en", "unsupported"): "[SIGNATURE CANNOT BE CHECKED]",
        ("en", ENCRYPTED): "[ENCRYPTED]",
    }
)

# Never put on unless the owner sets them, and never left standing either: the offered texts for
# "partial", the tails that make a shipped mark say more than it does, and what readers know from
# other gateways' marks.
LOOKALIKES: Final = (
    "[TEILWEISE SIGNIERT]",
    "[GÜLTIG SIGNIERT]",
    "[DIGITAL SIGNIERT]",
    "[SIGNATUR GÜLTIG]",
    "[SIGNATUR GEPRÜFT]",
    "[SIGNIERT UND VERSCHLÜSSELT]",
    "[SIGNIERT, VERSCHLÜSSELT]",
    "[VERSCHLÜSSELT UND SIGNIERT]",
    "[VERSCHLÜSSELT, SIGNIERT]",
    "[ENTSCHLÜSSELT]",
    "[PARTLY SIGNED]",
    "[DIGITALLY SIGNED]",
    "[SIGNED OK]",
    "[SIGNED VALID]",
    "[SIGNED INVALID]",
    "[SIGNATURE OK]",
    "[SIGNATURE VALID]",
    "[SIGNATURE VERIFIED]",
    "[SIGNED AND ENCRYPTED]",
    "[SIGNED, ENCRYPTED]",
    "[ENCRYPTED AND SIGNED]",
    "[ENCRYPTED, SIGNED]",
    "[DECRYPTED]",
)

SYMBOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "valid": "\N{LOCK WITH INK PEN}",
        "valid-domain": "\N{LOCK WITH INK PEN}",
        "valid-other": "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
        "untrusted": "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
        "revoked": "\N{NO ENTRY}",
        "invalid": "\N{NO ENTRY}",
        "partial": "",
        "unsupported": "\N{WARNING SIGN}\N{VARIATION SELECTOR-16}",
        ENCRYPTED: "\N{CLOSED LOCK WITH KEY}",
    }
)
# What looks like one of them at the size of a list of messages.
SYMBOL_LOOKALIKES: Final = (
    "\N{LOCK}",
    "\N{OPEN LOCK}",
    "\N{KEY}",
    "\N{OLD KEY}",
    "\N{NO ENTRY SIGN}",
    "\N{OCTAGONAL SIGN}",
    "\N{PROHIBITED SIGN}",
    "\N{SQUARED KEY}",
)

NO_SUBJECT: Final[Mapping[str, str]] = MappingProxyType(
    {"de": "(kein Betreff)", "en": "(no subject)"}
)
# In the place of {address} where the certificate names none that is plain.
NO_ADDRESS: Final[Mapping[str, str]] = MappingProxyType({"de": "keine Adresse", "en": "no address"})


@dataclass(frozen=True, slots=True)
class MarkTexts:
    """The mark texts and symbols in force, and the texts that once were."""

    language: str = "de"
    """Of the marks of this installation: de or en."""
    texts: Mapping[tuple[str, str], str] = field(default_factory=lambda: SHIPPED)
    """(language, key) -> text with {address} and {domain}; "" puts no mark on."""
    past: tuple[str, ...] = ()
    """The owner's former texts. Never shortened: mail that carries them comes back in replies."""
    symbols: Mapping[str, str] = field(default_factory=lambda: SYMBOLS)
    """key -> symbol; "" puts no symbol on."""
    every_text: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Every text a reader could take for a mark: in force, shipped, former, alike."""
    every_symbol: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Every symbol a reader could take for one of ours."""

    def __post_init__(self) -> None:
        texts = (*self.texts.values(), *SHIPPED.values(), *self.past, *LOOKALIKES)
        # The owner's former symbols stand among the former texts.
        former = (text for text in self.past if not any(map(str.isalnum, text)))
        symbols = (*self.symbols.values(), *SYMBOLS.values(), *SYMBOL_LOOKALIKES, *former)
        object.__setattr__(self, "every_text", tuple(filter(None, dict.fromkeys(texts))))
        object.__setattr__(self, "every_symbol", tuple(filter(None, dict.fromkeys(symbols))))

    def with_own(
        self,
        own: Mapping[tuple[str, str], str],
        past: Iterable[str] = (),
        symbols: Mapping[str, str] | None = None,
    ) -> Self:
        """Return these with the owner's texts and symbols in the place of the shipped ones."""
        return replace(
            self,
            texts=MappingProxyType({**self.texts, **own}),
            past=(*self.past, *past),
            symbols=MappingProxyType({**self.symbols, **(symbols or {})}),
        )

    def text(self, key: str, language: str = "") -> str:
        """Return the text for a status in a language, by default the installation's."""
        return self.texts.get((language or self.language, key), "")

    def symbol(self, key: str) -> str:
        """Return the symbol for a status."""
        return self.symbols.get(key, "")

    def no_address(self, language: str = "") -> str:
        """Return what stands for the address of a certificate that names none."""
        return NO_ADDRESS.get(language or self.language, NO_ADDRESS["en"])

    def no_subject(self, language: str = "") -> str:
        """Return what stands for a subject of which nothing is left."""
        return NO_SUBJECT.get(language or self.language, NO_SUBJECT["en"])
