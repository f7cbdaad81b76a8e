"""The words of every reason: one row per code, English and German.

Codes are for programs and stay; words are for people and may be bettered. The codes of
certificates, paths and plans are shown with words from here too, so that one table holds all that
a reader can meet.
"""

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    # structure of the message and its CMS
    "malformed": ("the structure is damaged", "der Aufbau ist beschädigt"),
    "structure": ("the structure is not supported", "der Aufbau wird nicht unterstützt"),
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
    "other-certificate": (
        "the signature names another certificate",
        "die Signatur nennt ein anderes Zertifikat",
    ),
    # what transport did (diagnosis)
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
    # trust
    "no-trust": ("the certificate is not trusted", "dem Zertifikat wird nicht vertraut"),
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
    "untrusted": ("the path to an anchor is missing", "der Pfad zu einem Anker fehlt"),
    # identity
    "from": ("the From field", "das From-Feld"),
    "from-differs": (
        "the certificate belongs to somebody else",
        "das Zertifikat gehört jemand anderem",
    ),
    "no-address": ("the certificate names no address", "das Zertifikat nennt keine Adresse"),
    "odd-address": (
        "an odd address in the certificate was ignored",
        "eine sonderbare Adresse im Zertifikat wurde übergangen",
    ),
    "sender-matches": ("the certificate belongs to the Sender", "das Zertifikat gehört dem Sender"),
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
    # harvest
    "unsuitable": (
        "the certificate does not suit encryption",
        "das Zertifikat eignet sich nicht zum Verschlüsseln",
    ),
    "self-signed": ("the certificate is self-signed", "das Zertifikat ist selbst ausgestellt"),
    "many-addresses": (
        "the certificate names too many addresses",
        "das Zertifikat nennt zu viele Adressen",
    ),
    "looks-like-domain-certificate": (
        "it looks like a domain certificate",
        "es sieht nach einem Domänen-Zertifikat aus",
    ),
    "public-suffix": (
        "it looks like a domain certificate, and strangers register below this domain",
        "es sieht nach einem Domänen-Zertifikat aus, und unter dieser Domäne registrieren Fremde",
    ),
    "key-change": (
        "another certificate of this partner is known",
        "ein anderes Zertifikat dieses Partners ist bekannt",
    ),
    "one-of-ours": (
        "the address is one of ours, whose keys are in the key ring",
        "die Adresse ist eine eigene, deren Schlüssel im Schlüsselbund liegen",
    ),
    "not-learned-from": (
        "nothing is learned from a signature like this",
        "aus einer solchen Signatur wird nichts übernommen",
    ),
    "too-many-new": (
        "the sender brought too many new certificates",
        "der Absender brachte zu viele neue Zertifikate",
    ),
    "queue-full": ("the approval queue is full", "die Freigabeliste ist voll"),
    "book-full": ("the partner book is full", "das Partnerbuch ist voll"),
    "approval-required": (
        "every new certificate is to be approved",
        "jedes neue Zertifikat ist freizugeben",
    ),
    # certificates and paths: the codes of app/pki/reasons.py
    "malformed-certificate": (
        "the certificate is not as it must be",
        "das Zertifikat ist nicht, wie es sein muss",
    ),
    "unknown-critical-extension": (
        "the certificate demands what is not known",
        "das Zertifikat verlangt Unbekanntes",
    ),
    "expired": ("expired", "abgelaufen"),
    "not-yet-valid": ("not yet valid", "noch nicht gültig"),
    "certificate-authority": (
        "the certificate is that of an authority",
        "das Zertifikat gehört einer Zertifizierungsstelle",
    ),
    "key-usage-not-signing": (
        "the key is not for signing",
        "der Schlüssel ist nicht zum Unterschreiben",
    ),
    "key-usage-not-encryption": (
        "the key is not for encryption",
        "der Schlüssel ist nicht zum Verschlüsseln",
    ),
    "extended-key-usage-not-mail": (
        "the certificate is not for mail",
        "das Zertifikat ist nicht für E-Mail",
    ),
    "weak-key": ("the key is too weak", "der Schlüssel ist zu schwach"),
    "unsupported-key": (
        "the kind of key is not supported",
        "die Art des Schlüssels wird nicht unterstützt",
    ),
    "no-path": ("no path to a trust anchor", "kein Pfad zu einem Vertrauensanker"),
    "path-signature": ("a signature on the path is wrong", "eine Signatur auf dem Pfad ist falsch"),
    "issuer-not-a-ca": (
        "the issuer is no authority",
        "der Aussteller ist keine Zertifizierungsstelle",
    ),
    "path-length": ("the path is too long", "der Pfad ist zu lang"),
    "name-constraints": (
        "the authority may not issue this name",
        "die Stelle darf diesen Namen nicht ausstellen",
    ),
    "certificate-policy": (
        "the certificate policies do not fit",
        "die Zertifikatsrichtlinien passen nicht",
    ),
    "distrusted-after": (
        "the authority is trusted only for what it issued before",
        "der Stelle wird nur für vorher Ausgestelltes vertraut",
    ),
    "path-invalid": ("the path is not valid", "der Pfad ist nicht gültig"),
    "path-budget": ("the path takes too much to check", "der Pfad ist zu aufwendig zu prüfen"),
    "revoked": ("revoked", "gesperrt"),
    "revocation-stale": ("the revocation data are old", "die Sperrdaten sind veraltet"),
    "revocation-not-declared": (
        "the certificate says nothing of revocation",
        "das Zertifikat sagt nichts über Sperrung",
    ),
    # plans: the codes of app/model
    "account-may-not-send": ("the account may not send", "das Konto darf nicht senden"),
    "already-encrypted": ("already encrypted", "bereits verschlüsselt"),
    "already-signed": ("already signed", "bereits unterschrieben"),
    "another-recipient-refused": (
        "another recipient was refused",
        "ein anderer Empfänger wurde abgelehnt",
    ),
    "calendar": ("a calendar message", "eine Kalendernachricht"),
    "blocked-certificate": (
        "the certificate was disabled or rejected",
        "das Zertifikat wurde deaktiviert oder abgelehnt",
    ),
    "only-this-one": (
        "only this certificate of the partner is to be used",
        "nur dieses Zertifikat des Partners soll verwendet werden",
    ),
    "within-grace": (
        "the certificate has ended and is used within its days of grace",
        "das Zertifikat ist abgelaufen und wird in seiner Nachfrist verwendet",
    ),
    "post-quantum-off": (
        "policy does not use keys of ML-DSA and ML-KEM",
        "die Richtlinie verwendet keine Schlüssel für ML-DSA und ML-KEM",
    ),
    "looked-up": ("found by an on-line source", "gefunden in einer Online-Quelle"),
    "source-unavailable": (
        "an on-line source does not answer",
        "eine Online-Quelle antwortet nicht",
    ),
    "key-not-usable": ("the key cannot be used", "der Schlüssel ist nicht verwendbar"),
    "no-partner-certificate": ("no certificate of the partner", "kein Zertifikat des Partners"),
    "no-signing-key": ("no key to sign with", "kein Schlüssel zum Unterschreiben"),
    "not-authorised": (
        "the sender is not known to be who it says",
        "der Absender ist nicht nachgewiesen",
    ),
    "not-your-address": ("the address is not the account's", "die Adresse gehört nicht zum Konto"),
    "null-reverse-path": ("a report, which nobody signs", "ein Bericht, den niemand unterschreibt"),
    "policy": ("policy", "Richtlinie"),
}
