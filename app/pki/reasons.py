"""Why a certificate or a path does not fit: one code each, the same everywhere.

A reason is ``code`` or ``code: detail``; the code is for the tables that say it in people's words,
the detail is what was found. Details are text from certificates and therefore already made
harmless: one line, printable, bounded.
"""

from typing import Final

# What the certificate itself says (RFC 5280 §4, RFC 8550 §4.4).
MALFORMED: Final = "malformed-certificate"
UNKNOWN_CRITICAL: Final = "unknown-critical-extension"
EXPIRED: Final = "expired"
NOT_YET_VALID: Final = "not-yet-valid"
IS_CA: Final = "certificate-authority"
NOT_FOR_SIGNING: Final = "key-usage-not-signing"
NOT_FOR_ENCRYPTION: Final = "key-usage-not-encryption"
NOT_FOR_MAIL: Final = "extended-key-usage-not-mail"
WEAK_KEY: Final = "weak-key"
UNSUPPORTED_KEY: Final = "unsupported-key"
NO_ADDRESS: Final = "no-address"
ODD_ADDRESS: Final = "odd-address"

# What the certification path says (RFC 5280 §6).
NO_PATH: Final = "no-path"
SELF_SIGNED: Final = "self-signed"
BAD_SIGNATURE: Final = "path-signature"
WEAK_ALGORITHM: Final = "weak-algorithm"
NOT_A_CA: Final = "issuer-not-a-ca"
PATH_LENGTH: Final = "path-length"
NAME_CONSTRAINTS: Final = "name-constraints"
POLICY: Final = "certificate-policy"
DISTRUSTED: Final = "distrusted-after"
PATH_INVALID: Final = "path-invalid"
PATH_BUDGET: Final = "path-budget"

# What revocation says (RFC 5280 §6.3, RFC 6960).
REVOKED: Final = "revoked"
REVOCATION_UNKNOWN: Final = "revocation-unknown"
REVOCATION_STALE: Final = "revocation-stale"
REVOCATION_NOT_DECLARED: Final = "revocation-not-declared"

DETAIL_CHARACTERS: Final = 200


def plain(text: str) -> str:
    """Return text from a certificate as one bounded line without control characters."""
    cut = text[: DETAIL_CHARACTERS + 1]
    line = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in cut)
    return line if len(line) <= DETAIL_CHARACTERS else line[: DETAIL_CHARACTERS - 1] + "…"


def reason(code: str, detail: str = "") -> str:
    """Return the code with its detail."""
    return f"{code}: {plain(detail)}" if detail else code


def code_of(text: str) -> str:
    """Return the code of a reason."""
    return text.partition(":")[0]


def detail_of(text: str) -> str:
    """Return the detail of a reason, empty if it has none."""
    return text.partition(": ")[2]
