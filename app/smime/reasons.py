"""Why a finding, a plan or a certificate is what it is: a code for programs, words for people."""

from dataclasses import dataclass

from app.smime.texts import TEXTS


@dataclass(frozen=True, slots=True)
class Reason:
    """A code from the table and, where there is one, the detail it speaks of."""

    code: str
    detail: str = ""

    def text(self, language: str = "en") -> str:
        """Return the reason in words, English unless the language is ``de``."""
        english, german = TEXTS.get(self.code, (self.code.replace("-", " "),) * 2)
        words = german if language == "de" else english
        return f"{words}: {self.detail}" if self.detail else words

    def __str__(self) -> str:
        return self.text()
