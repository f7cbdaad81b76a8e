"""Why a finding is what it is: one row per reason, in the languages of the marks.

A reason is a code for programs and a sentence for people. Codes of certification paths come from
``app/pki/reasons.py`` and are shown with their own words where this table has none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A code from the table and, where there is one, the detail it speaks of."""

    code: str
    detail: str = ""

    def text(self, language: str = "en") -> str:
        """Return the reason in words, English unless the language is ``de``."""
        english, german = _TEXTS.get(self.code, (self.code.replace("-", " "),) * 2)
        words = german if language == "de" else english
        return f"{words}: {self.detail}" if self.detail else words

    def __str__(self) -> str:
        return self.text()


_TEXTS: dict[str, tuple[str, str]] = {
    # structure
    "malformed": ("the structure is damaged", "der Aufbau ist beschädigt"),
    "over-limit": ("a limit is exceeded", "eine Grenze ist überschritten"),
    "header-anomaly": (
        "the header section is not clean",
        "der Kopf der Nachricht ist nicht einwandfrei",
    ),
    "content-in-clear-signed": (
        "a clear signature carries a second content",
        "eine Klartext-Signatur trägt einen zweiten Inhalt",
    ),
    "no-content": ("nothing is signed", "es ist nichts unterschrieben"),
    "nobody": ("signed by nobody", "von niemandem unterschrieben"),
    "more-than-one-signer": ("more than one signer", "mehr als ein Unterzeichner"),
    "content-type": (
        "the signature is not one over a message",
        "die Signatur gilt keiner Nachricht",
    ),
    "attributes": (
        "the signed attributes are not as they must be",
        "die signierten Attribute sind nicht, wie sie sein müssen",
    ),
    "no-attributes": (
        "the signature has no signed attributes",
        "die Signatur hat keine signierten Attribute",
    ),
    "attributes-as-content": (
        "the content is another signature's attributes",
        "der Inhalt besteht aus den Attributen einer anderen Signatur",
    ),
    "part-signed": (
        "only a part of the message is signed",
        "nur ein Teil der Nachricht ist unterschrieben",
    ),
    "only-ciphertext-signed": (
        "the signature covers only the ciphertext",
        "die Signatur gilt nur dem verschlüsselten Inhalt",
    ),
    "certs-only": ("the message brings certificates", "die Nachricht bringt Zertifikate"),
    # mathematics
    "digest-differs": (
        "the content was changed after it was signed",
        "der Inhalt wurde nach der Unterschrift verändert",
    ),
    "signature-differs": (
        "the signature does not belong to this content and certificate",
        "die Signatur gehört nicht zu diesem Inhalt und Zertifikat",
    ),
    "algorithm": ("the algorithm is not supported", "das Verfahren wird nicht unterstützt"),
    "weak-algorithm": ("the algorithm is too weak", "das Verfahren ist zu schwach"),
    "no-certificate": (
        "the signer's certificate is not at hand",
        "das Zertifikat des Unterzeichners liegt nicht vor",
    ),
    "certificate": (
        "the signer's certificate cannot be read",
        "das Zertifikat des Unterzeichners ist nicht lesbar",
    ),
    "other-certificate": (
        "the signature names another certificate",
        "die Signatur nennt ein anderes Zertifikat",
    ),
    # trust
    "no-trust": (
        "the certificate is not trusted",
        "dem Zertifikat wird nicht vertraut",
    ),
    "revocation-unknown": (
        "it is not known whether the certificate was revoked",
        "ob das Zertifikat gesperrt wurde, ist nicht bekannt",
    ),
    "revocation-required": (
        "it is not known whether the certificate was revoked, and it must be",
        "ob das Zertifikat gesperrt wurde, ist nicht bekannt, muss es aber sein",
    ),
    "pinned": (
        "the certificate was approved for this address",
        "das Zertifikat wurde für diese Adresse freigegeben",
    ),
    "domain-certificate": (
        "signed by the domain certificate",
        "unterschrieben mit dem Domänen-Zertifikat",
    ),
    # identity
    "from": ("the From field", "das From-Feld"),
    "from-differs": (
        "the certificate belongs to somebody else",
        "das Zertifikat gehört jemand anderem",
    ),
    "no-address": (
        "the certificate names no address",
        "das Zertifikat nennt keine Adresse",
    ),
    "odd-address": (
        "an odd address in the certificate was ignored",
        "eine sonderbare Adresse im Zertifikat wurde übergangen",
    ),
    "sender-matches": (
        "the certificate belongs to the Sender",
        "das Zertifikat gehört dem Sender",
    ),
    "sender-differs": (
        "the Sender field names somebody else",
        "das Sender-Feld nennt jemand anderen",
    ),
    "protected-from-differs": (
        "the protected From field names somebody else",
        "das geschützte From-Feld nennt jemand anderen",
    ),
    # time, for information
    "signed-long-ago": ("signed long ago", "vor langer Zeit unterschrieben"),
    "signed-in-future": (
        "the signing time lies in the future",
        "die Zeit der Unterschrift liegt in der Zukunft",
    ),
    "signed-outside-validity": (
        "the signing time lies outside the validity of the certificate",
        "die Zeit der Unterschrift liegt außerhalb der Gültigkeit des Zertifikats",
    ),
    # decryption
    "not-authenticated": (
        "encrypted, not protected against change",
        "verschlüsselt, nicht gegen Veränderung geschützt",
    ),
    "control-characters": (
        "the decrypted content holds control characters",
        "der entschlüsselte Inhalt enthält Steuerzeichen",
    ),
    "exfiltration": (
        "the decrypted content would send itself elsewhere",
        "der entschlüsselte Inhalt würde sich selbst anderswohin senden",
    ),
    "no-key": ("no fitting key", "kein passender Schlüssel"),
    "failed": ("the message could not be decrypted", "die Nachricht war nicht zu entschlüsseln"),
    "weak-cipher": ("the cipher is weak", "die Verschlüsselung ist schwach"),
    # diagnosis
    "damage-line-ends": (
        "it would be valid before a relay changed the lines at its end",
        "sie wäre gültig, bevor ein Relay die Zeilen am Ende veränderte",
    ),
    "damage-from-line": (
        'it would be valid before a relay wrote ">From" for "From"',
        'sie wäre gültig, bevor ein Relay ">From" statt "From" schrieb',
    ),
    "damage-trailing-space": (
        "it would be valid before a relay changed white space at line ends",
        "sie wäre gültig, bevor ein Relay Leerraum an Zeilenenden veränderte",
    ),
    "damage-base64": (
        "it would be valid before a relay wrapped base64 anew",
        "sie wäre gültig, bevor ein Relay base64 neu umbrach",
    ),
    "damage-soft-break": (
        "it would be valid before a relay dropped a soft line break",
        "sie wäre gültig, bevor ein Relay einen weichen Umbruch entfernte",
    ),
    "damage-seven-bit": (
        "it would be valid before a relay made 8-bit text 7-bit",
        "sie wäre gültig, bevor ein Relay 8-Bit-Text in 7 Bit wandelte",
    ),
    "damage-footer": (
        "it would be valid before a list appended a footer",
        "sie wäre gültig, bevor eine Liste eine Fußzeile anhängte",
    ),
    # harvest
    "untrusted": ("the path to an anchor is missing", "der Pfad zu einem Anker fehlt"),
    "unsuitable": (
        "the certificate does not suit encryption",
        "das Zertifikat eignet sich nicht zum Verschlüsseln",
    ),
    "self-signed": ("the certificate is self-signed", "das Zertifikat ist selbst ausgestellt"),
    "looks-like-domain": (
        "it looks like a domain certificate",
        "es sieht nach einem Domänen-Zertifikat aus",
    ),
    "many-addresses": (
        "the certificate names too many addresses",
        "das Zertifikat nennt zu viele Adressen",
    ),
}
