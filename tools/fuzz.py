"""Coverage-guided fuzzing of the five targets, with a ledger of what they have seen.

``make fuzz`` runs each target for a while; ``python -m tools.fuzz TARGET --inputs 1000000`` one.
An input that crashes or hangs is kept in ``run/fuzz/TARGET`` and printed; a run without one adds
its numbers and its seed to ``tests/fuzz/ledger.json``, so that totals grow over time.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

from app import clock

LEDGER = Path("tests/fuzz/ledger.json")
HANG_SECONDS = 1
OCTETS_AT_MOST = 16_384
NAMES = ("mime", "headers", "cms", "certificate", "message")


def fuzz(name: str, inputs: int, seconds: int, seed: int, folder: str) -> None:
    """Run one target in this process; libFuzzer ends the process when it is done."""
    import atheris  # noqa: PLC0415 - only this process needs it

    with atheris.instrument_imports(include=["app"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented as it is imported
    target = TARGETS[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, octets in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(octets)
    atheris.Setup(
        [
            "sealmon-fuzz", str(corpus), f"-runs={inputs}", f"-max_total_time={seconds}",
            f"-seed={seed}", f"-max_len={OCTETS_AT_MOST}", f"-timeout={HANG_SECONDS}",
            f"-artifact_prefix={folder}/found-", "-print_final_stats=1", "-verbosity=1",
        ],
        target.run,
    )  # fmt: skip
    atheris.Fuzz()


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
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], metavar="TARGET")
    parser.add_argument("--inside", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=120, help="the most for one target")
    parser.add_argument("--seed", type=int, default=int(clock.now().timestamp()) % 2**31)
    options = parser.parse_args()
    limits = (options.inputs, options.seconds, options.seed)
    if options.inside:
        fuzz(options.inside, *limits, f"run/fuzz/{options.inside}")
        return
    for name in options.targets or NAMES:
        numbers = run(name, *limits)
        total = note(name, numbers)
        print(f"{name:<12} {numbers['inputs']:>9} inputs in {numbers['seconds']} s, {total} in all")


if __name__ == "__main__":
    main()
