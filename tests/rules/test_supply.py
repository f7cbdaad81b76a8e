"""T133: what is installed is what was chosen, one version of each and from the registry only."""

import re
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.rules.sources import ROOT

PINNED: dict[str, str] = {
    canonicalize_name(name): version
    for name, _, version in (
        line.partition("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    )
}


def wanted() -> list[Requirement]:
    """Return what setup.cfg asks for, in every extra."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    lists = [parser["options"]["install_requires"], *parser["options.extras_require"].values()]
    return [Requirement(line) for each in lists for line in each.split("\n") if line.strip()]


def everything() -> dict[str, set[str]]:
    """Return every package that is asked for, directly or by another, with who asks."""
    found: dict[str, set[str]] = {}
    waiting = [("setup.cfg", each) for each in wanted()]
    while waiting:
        asker, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        is_new = name not in found
        found.setdefault(name, set()).add(asker)
        if not is_new and not requirement.extras:
            continue
        try:
            more = distribution(name).requires or []
        except PackageNotFoundError:
            # Not installed here: an extra, or another system's.
            continue
        for text in more:
            each = Requirement(text)
            extras = requirement.extras or {""}
            if each.marker is None or any(each.marker.evaluate({"extra": x}) for x in extras):
                waiting.append((name, each))
    return found


def test_every_pin_is_one_version() -> None:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][A-Za-z0-9_.]*", line), line
    assert len(PINNED) == len((ROOT / "constraints.txt").read_text("utf-8").splitlines())


def test_whatever_is_asked_for_is_pinned() -> None:
    loose = {name: who for name, who in everything().items() if name not in PINNED}
    assert loose == {}


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_nothing_comes_from_elsewhere_than_the_registry(requirement: Requirement) -> None:
    assert requirement.url is None
    # Which version it is stands in one place only.
    assert str(requirement.specifier) == ""


def test_every_install_keeps_to_the_pins() -> None:
    for name in ("Makefile", "tools/programs", "run"):
        file = ROOT / name
        if file.is_file():
            for line in file.read_text("utf-8").splitlines():
                if re.search(r"\bpip3? install\b", line):
                    assert "--constraint constraints.txt" in line, f"{name}: {line}"
                assert not re.search(r"--(extra-)?index-url|--trusted-host|\bcurl\b|\bwget\b", line)


def test_what_runs_here_is_what_is_pinned() -> None:
    others = {}
    for name in everything():
        try:
            version = distribution(name).version
        except PackageNotFoundError:
            continue
        if version != PINNED.get(name):
            others[name] = version
    assert others == {}
