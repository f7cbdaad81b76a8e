"""What a PKCS#12 file would cost to open, read before it is opened. RFC 7292 §4, RFC 8018."""

from collections.abc import Iterator
from typing import Any, Final

from asn1crypto import pkcs12

from app.pki.engine import PARSING_ERRORS
from app.pki.errors import MalformedKeyFile

ROUNDS: Final = 10_000_000


def check_rounds(octets: bytes) -> None:
    """Raise MalformedKeyFile if this is no PKCS#12 file, or one that takes too many rounds."""
    try:
        total = sum(_rounds(octets))
    except PARSING_ERRORS as error:
        raise MalformedKeyFile("this is no PKCS#12 file") from error
    if total > ROUNDS:
        raise MalformedKeyFile(f"the PKCS#12 file wants {total} rounds of key derivation")


def _rounds(octets: bytes) -> Iterator[int]:
    pfx = pkcs12.Pfx.load(octets, strict=True)
    if pfx["version"].native != "v3":
        raise ValueError("a version that is not 3")
    if mac := pfx["mac_data"].native:
        yield int(mac["iterations"])
    for info in pfx.authenticated_safe:
        content = info["content"]
        if info["content_type"].native == "encrypted_data":
            yield _algorithm_rounds(
                content["encrypted_content_info"]["content_encryption_algorithm"]
            )
        elif info["content_type"].native == "data":
            for bag in pkcs12.SafeContents.load(content.native):
                if bag["bag_id"].native == "pkcs8_shrouded_key_bag":
                    yield _algorithm_rounds(bag["bag_value"]["encryption_algorithm"])


def _algorithm_rounds(algorithm: Any) -> int:  # noqa: ANN401 - asn1crypto has no types
    parameters = algorithm["parameters"].native
    if algorithm["algorithm"].native == "pbes2":
        parameters = parameters["key_derivation_func"]["parameters"]
    if "iteration_count" in parameters:
        return int(parameters["iteration_count"])
    return int(parameters["iterations"])
