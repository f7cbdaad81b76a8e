"""Domains below which strangers register: a certificate for one would be for all of them (D2).

The Public Suffix List is the one that the package ``publicsuffixlist`` brings; nothing is fetched.
It is read when it is first asked, because only an administrator's commands need it.
"""

from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

# What the list leaves to its owners, and where customers get names all the same.
_MORE: Final = frozenset({"amazonaws.com", "onmicrosoft.com"})


def is_public_suffix(domain: str, *, is_ours: bool = False) -> bool:
    """Return whether strangers register below a normalised domain.

    A domain of ours may be one that its owner opened to others, such as a provider's: that part of
    the list says who may set cookies. Nobody's are those of registries.
    """
    if not is_ours and domain in _MORE:
        return True
    return bool(_the_list(is_ours).is_public(domain))


@cache
def _the_list(only_registries: bool) -> PublicSuffixList:  # noqa: FBT001 - the key of the cache
    return PublicSuffixList(only_icann=only_registries)
