"""Coverage-guided fuzzing of the five targets, with a ledger of what they have seen.

``make fuzz`` runs each target for a while; ``python -m tools.fuzz TARGET --inputs 1000000`` one.
Only the modules that a target is about say what was reached, which makes it several times as fast.
An input that crashes or hangs is kept in ``run/fuzz/TARGET`` and printed; a run without one adds
its numbers and its seed to ``tests/fuzz/ledger.json``, so that totals grow over time.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app import clock

LEDGER = Path("tests/fuzz/ledger.json")
HANG_SECONDS = 1
"""Of the processor, for one input."""
ENDLESS_SECONDS = 60
"""Of the clock; a busy machine takes a second of it for nothing."""


@dataclass(frozen=True)
class Scope:
    """What one target is about."""

    octets_at_most: int
    """Longer inputs cost time; what only long ones do is in the tests of the limits."""
    modules: tuple[str, ...]
    """The modules whose branches guide it; a package stands for all of its modules."""


SCOPES = {
    "mime": Scope(1_500, ("app.mail.entity", "app.mail.delimiters", "app.smime.kinds")),
    "headers": Scope(
        300, ("app.mail.section", "app.mail.fields", "app.mail.words", "app.subject.strip")
    ),
    "cms": Scope(2_000, ("app.cms.ber", "app.cms.signed", "app.cms.enveloped")),
    "certificate": Scope(1_500, ("app.pki.certificate", "app.pki.tbs", "app.pki.pem")),
    "message": Scope(8_000, ("app.smime", "app.cms.signed", "app.cms.enveloped")),
}


def fuzz(name: str, inputs: int, seconds: int, seed: int, folder: str) -> None:
    """Run one target in this process; libFuzzer ends the process when it is done."""
    import atheris  # type: ignore[import-untyped]  # noqa: PLC0415 - only this process needs it

    scope = SCOPES[name]
    with atheris.instrument_imports(include=["app"], exclude=_beside(scope.modules)):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    target = TARGETS[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, octets in enumerate(target.seeds()):
        if len(octets) <= scope.octets_at_most:
            (corpus / f"seed-{number}").write_bytes(octets)
    # Without counters an input is kept for a new branch, and not for more turns of a loop: the
    # inputs that are kept stay short, and what is run is several times as much.
    atheris.Setup(
        [
            "sealmon-fuzz", str(corpus), f"-runs={inputs}", f"-max_total_time={seconds}",
            f"-seed={seed}", f"-max_len={scope.octets_at_most}", f"-timeout={ENDLESS_SECONDS}",
            f"-artifact_prefix={folder}/found-", "-print_final_stats=1", "-verbosity=1",
            "-use_counters=0",
        ],
        in_time(target.run),
    )  # fmt: skip
    atheris.Fuzz()


def in_time(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Return the target, which fails where an input takes too long."""

    def watched(octets: bytes) -> None:
        began = time.thread_time()
        target(octets)
        took = time.thread_time() - began
        assert took <= HANG_SECONDS, f"an input that takes {took:.1f} s"

    return watched


def _beside(modules: tuple[str, ...]) -> list[str]:
    """Return the modules of the application that are not these, nor in a package of these."""
    files = (".".join(file.with_suffix("").parts) for file in Path("app").rglob("*.py"))
    return [
        name
        for name in (file.removesuffix(".__init__") for file in files)
        if not any(name == one or name.startswith(f"{one}.") for one in modules)
    ]


def run(name: str, inputs: int, seconds: int, seed: int) -> dict[str, int]:
    """Run one target in a process of its own and return its numbers. Ends the program on a find."""
    folder = Path("run/fuzz") / name
    folder.mkdir(parents=True, exist_ok=True)
    began = clock.monotonic()
    ended = subprocess.run(
        [
            sys.executable, "-m", "tools.fuzz", "--inside", name, "--inputs", str(inputs),
            "--seconds", str(seconds), "--seed", str(seed),
        ],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )  # fmt: skip
    found = re.search(r"stat::number_of_executed_units:\s*(\d+)", ended.stderr)
    if ended.returncode != 0 or found is None:
        print(ended.stderr[-6000:])
        sys.exit(f"{name}: found something; see {folder}, and make a test of it that fails first")
    return {"inputs": int(found[1]), "seconds": round(clock.monotonic() - began), "seed": seed}


def note(name: str, numbers: dict[str, int]) -> int:
    """Add a run to the ledger and return the total of its target."""
    ledger = json.loads(LEDGER.read_text()) if LEDGER.exists() else {}
    entry = ledger.setdefault(name, {"inputs": 0, "crashes": 0, "hangs": 0, "false_passes": 0})
    entry["inputs"] += numbers["inputs"]
    entry.setdefault("runs", []).append(numbers)
    LEDGER.write_text(json.dumps(ledger, indent=1, sort_keys=True) + "\n")
    total: int = entry["inputs"]
    return total


def main() -> None:
    """Run the targets that were named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*SCOPES, []], metavar="TARGET")
    parser.add_argument("--inside", choices=tuple(SCOPES), help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=120, help="the most for one target")
    parser.add_argument("--seed", type=int, default=int(clock.now().timestamp()) % 2**31)
    options = parser.parse_args()
    limits = (options.inputs, options.seconds, options.seed)
    if options.inside:
        fuzz(options.inside, *limits, f"run/fuzz/{options.inside}")
        return
    for name in options.targets or SCOPES:
        numbers = run(name, *limits)
        total = note(name, numbers)
        print(f"{name:<12} {numbers['inputs']:>9} inputs in {numbers['seconds']} s, {total} in all")


if __name__ == "__main__":
    main()
