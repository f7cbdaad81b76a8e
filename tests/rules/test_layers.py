"""Who may import whom: the house has storeys, and every guest has a home."""

import sys
from pathlib import Path

import pytest

from tests.rules.sources import imports, python_files

# From the ground up; nobody imports what stands behind him.
STOREYS = (
    "mail", "cms", "pki", "smime", "model", "subject", "mta", "handlers", "web", "cli", "config",
)  # fmt: skip
# What everybody may import.
COMMON = {"app", "app.clock", "app.patience"}
# Third-party package -> where it lives; a package that is not here has no home.
HOMES = {
    "aiosmtpd": {"mta"},
    "asn1crypto": {"cms", "pki"},
    "click": {"cli"},
    "cryptography": {"cms", "pki"},
    "dns": {"mta"},
    "idna": {"mail"},
    "jinja2": {"subject", "mta", "web"},
    "ldap3": {"mta"},
    "peewee": {"model"},
    "playhouse": {"model"},
    "psycopg": {"model"},
    "pybase64": {"mail"},
    "publicsuffixlist": {"mail"},
    "pydantic": {"config", "mta"},
    "pyhanko_certvalidator": {"pki"},
    "salmon": {"handlers", "mta", "config", "model"},
    "structlog": {"config"},
}
# The one module outside of handlers, mta and config that speaks Salmon: policy has its patterns.
PATTERNS = "app/model/patterns.py"

FILES = python_files("app", "config")


def storey(module: str) -> str:
    """Return the storey of a module name."""
    parts = module.split(".")
    return "config" if parts[0] == "config" else parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("file", FILES, ids=str)
def test_nobody_imports_what_stands_above(file: Path) -> None:
    name = str(file).removesuffix(".py").replace("/", ".")
    if name in COMMON | {"app.__init__"}:
        return
    own = STOREYS.index(storey(name))
    for module, line in imports(file):
        if module in COMMON or module.split(".")[0] not in {"app", "config"}:
            continue
        assert STOREYS.index(storey(module)) <= own, f"{file}:{line} imports {module}"


def test_every_third_party_package_is_used_at_home_only() -> None:
    astray = []
    for file in FILES:
        home = storey(str(file).removesuffix(".py").replace("/", "."))
        for module, line in imports(file):
            package = module.split(".")[0]
            if package in {"app", "config"} or package in sys.stdlib_module_names:
                continue
            if home not in HOMES.get(package, set()):
                astray.append(f"{file}:{line} {module}")
    assert astray == []


def test_in_the_model_only_the_patterns_speak_salmon() -> None:
    speakers = {
        str(file)
        for file in FILES
        if str(file).startswith("app/model/")
        for module, _ in imports(file)
        if module.split(".")[0] == "salmon"
    }
    assert speakers <= {PATTERNS}


def test_every_package_of_the_application_has_its_storey() -> None:
    packages = {str(file).split("/")[1] for file in FILES if str(file).startswith("app/")}
    assert packages - {"__init__.py", "clock.py", "patience.py"} <= set(STOREYS)


# Design 5: a message is octets; what the email package has parsed is never written out.
REWRITERS = {"email", "smtplib", "mailbox", "asyncore", "smtpd"}


def test_no_module_parses_mail_with_another_parser() -> None:
    users = [
        f"{file}:{line} {module}"
        for file in FILES
        for module, line in imports(file)
        if module.split(".")[0] in REWRITERS and module != "email.utils"  # which writes dates
    ]
    assert users == []
