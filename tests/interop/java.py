"""A program in Java, compiled and run once with BouncyCastle for all jobs of a test module."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

JARS = [Path("/usr/share/java") / name for name in ("bcpkix.jar", "bcprov.jar", "bcutil.jar")]
needs_bouncycastle = pytest.mark.skipif(
    shutil.which("javac") is None or not all(jar.exists() for jar in JARS),
    reason="javac or libbcpkix-java is not installed",
)


def run(path: Path, program: str, jobs: Sequence[Sequence[str]]) -> list[str]:
    """Return what the program said to each job, done in the folder."""
    (path / "jobs").write_text("".join("\t".join(job) + "\n" for job in jobs))
    classpath = ":".join(map(str, JARS))
    source = Path(__file__).with_name(f"{program}.java")
    for words in (
        ["javac", "-cp", classpath, "-d", str(path), str(source)],
        ["java", "-cp", f"{classpath}:{path}", program, "jobs"],
    ):
        done = subprocess.run(words, cwd=path, capture_output=True, timeout=250, check=True)
    return done.stdout.decode().splitlines()
