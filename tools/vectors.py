"""Make the golden vectors of tests/vectors anew: ``python -m tools.vectors``.

The test reads only what is committed, and the octets there are meant to stay for ever. Run this to
add cases, and only into an empty folder: every run has new keys. What a case claims (status,
cipher, content) stands in its recipe and is compared here; the rest is written down as the engine
says it, and whoever commits it looks at it.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.forgery.makers import authority, root
from tests.testpki import pem
from tests.vectors.cases import BOBS, TOPICS, answer, digest, household
from tests.vectors.recipes import chains, clients, decrypt, johnny, layers, verify
from tests.vectors.recipes.case import BELIEVED, NOT_BELIEVED, Case, alice, bob

_RECIPES = (verify, decrypt, clients, layers, johnny, chains)
_ALICES = ("alice-rsa2048", "alice-p256", "alice-ed25519")


def main(words: Sequence[str] | None = None) -> None:
    """Write every topic into a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="an empty folder, or one to be made")
    folder: Path = parser.parse_args(words).folder
    folder.mkdir(parents=True, exist_ok=True)
    _write_keys(folder / "keys")
    owned = [(folder / "keys" / f"{name}.pem").read_bytes() for name in BOBS]
    with tempfile.TemporaryDirectory() as store:
        house = household(Path(store), owned, pem(root().certificate))
        for topic, recipe in zip(TOPICS, _RECIPES, strict=True):
            made = [
                (case, _judged(case, answer(house, case.octets, case.at)))
                for case in recipe.cases()
            ]
            _write_topic(folder / topic, (recipe.__doc__ or "").strip(), made)
            print(f"{topic}: {len(made)}")
        house.close()


def _write_keys(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "anchor.pem").write_bytes(pem(root().certificate))
    # So that one more certificate can be issued to the same anchor.
    for name, issuer in (("root", root()), ("issuing", authority())):
        who = issuer.identity
        (folder / f"{name}.pem").write_bytes(who.key_pem + who.pem)
    for names, person in ((BOBS, bob), (_ALICES, alice)):
        for name in names:
            who = person(name.partition("-")[2])
            octets = who.key_pem + who.pem + b"".join(map(pem, who.chain))
            (folder / f"{name}.pem").write_bytes(octets)


def _judged(case: Case, said: dict[str, Any]) -> dict[str, Any]:
    """Return what is to be expected; a case that turns out otherwise than claimed is named."""
    content = said["content"] if case.body is None else digest(case.body)
    claimed = {"decryption": case.decryption, "cipher": case.cipher, "content": content}
    if case.signature != NOT_BELIEVED:
        claimed["signature"] = case.signature
    wrong = {word: (value, said[word]) for word, value in claimed.items() if said[word] != value}
    if case.signature == NOT_BELIEVED and said["signature"] in BELIEVED:
        wrong["signature"] = NOT_BELIEVED, said["signature"]
    if wrong:
        raise SystemExit(f"{case.name}: claimed and said: {wrong} {said['reasons']}")
    openssl = {"openssl": case.openssl} if case.openssl else {}
    return {"at": case.at.isoformat(), **said, **openssl}


def _write_topic(folder: Path, about: str, made: Sequence[tuple[Case, dict[str, Any]]]) -> None:
    folder.mkdir()
    lines = [about, ""]
    for number, (case, expected) in enumerate(made, 1):
        name = f"{number:02}-{case.name}"
        (folder / f"{name}.eml").write_bytes(case.octets)
        text = json.dumps(expected, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.expect").write_text(text, "utf-8")
        lines.append(f"{name}\n    {case.about}")
    (folder / "README").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
