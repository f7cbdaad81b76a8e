"""Why a finding, a plan or a certificate is what it is: a code for programs, words for people."""

from dataclasses import dataclass

from app.smime.details import in_german
from app.smime.texts import TEXTS

_DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """A code from the table and, where there is one, the detail it speaks of."""

    code: str
    detail: str = ""

    def text(self, language: str = "en") -> str:
        """Return the reason in words, English unless the language is ``de``."""
        english, german = TEXTS.get(self.code, (self.code.replace("-", " "),) * 2)
        words = german if language == "de" else english
        detail = self.detail
        if len(detail) > _DETAIL_CHARACTERS:
            # What a stranger wrote into a certificate makes no line that nobody carries (T33).
            detail = f"{detail[:_DETAIL_CHARACTERS]}..."
        if language == "de":
            detail = in_german(detail)
        return f"{words}: {detail}" if detail else words

    def __str__(self) -> str:
        return self.text()
