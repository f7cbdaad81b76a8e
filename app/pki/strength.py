"""What certificates, CRLs and OCSP responses may be signed with: SHA-2 or better, no small keys.

Certificates that are signed otherwise still parse, so that the reason can be told. T56; RFC 8550
§4.3, CA/B S/MIME BR 6.1.5.
"""

from datetime import datetime
from typing import Final

from asn1crypto import algos, keys
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy

from app.pki import spki

_DIGESTS: Final = frozenset(("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"))
_DIGESTLESS: Final = frozenset(("ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"))
_SCHEMES: Final = frozenset(("rsassa_pkcs1v15", "rsassa_pss", "ecdsa"))


class Algorithms(AlgorithmUsagePolicy):
    """The policy in the validator's form; the moment does not matter."""

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        """Return whether the digest is strong enough."""
        del moment
        name = str(algo["algorithm"].native)
        return AlgorithmUsageConstraint(name in _DIGESTS, failure_reason=name)

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        """Return whether the signature algorithm and the issuer's key are strong enough."""
        del moment
        problem = signature_problem(algo)
        if not problem and public_key is not None:
            problem = spki.describe(public_key.dump())[1]
        return AlgorithmUsageConstraint(not problem, failure_reason=problem)


def signature_problem(algo: algos.SignedDigestAlgorithm) -> str:
    """Return the name of a signature algorithm that is too weak, empty for one that is not."""
    name = str(algo["algorithm"].native)
    if name in _DIGESTLESS:
        return ""
    try:
        scheme, digests = algo.signature_algo, {algo.hash_algo}
    except ValueError:
        return name
    if scheme == "rsassa_pss":
        mask = algo["parameters"]["mask_gen_algorithm"]["parameters"]["algorithm"].native
        digests.add(mask)
    return "" if scheme in _SCHEMES and digests <= _DIGESTS else name
