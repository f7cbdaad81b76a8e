"""Domains in one form, and those that nobody may register."""

import pytest

from app.mail.address import MalformedAddress, normalise_domain, registrable_problem


@pytest.mark.parametrize(
    ("domain", "normal"),
    [
        ("X.Example", "x.example"),
        ("x.example.", "x.example"),
        (" x.example ", "x.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("faß.example", "xn--fa-hia.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("localhost", "localhost"),
    ],
)
def test_a_domain_has_one_form(domain: str, normal: str) -> None:
    assert normalise_domain(domain) == normal
    assert normalise_domain(normal) == normal


@pytest.mark.parametrize(
    "domain", ["", ".", "..", "a b", "a@b", "*.x.example", "x" * 600, "ü" * 300, "a.\u200b"]
)
def test_what_is_no_domain_is_malformed(domain: str) -> None:
    with pytest.raises(MalformedAddress):
        normalise_domain(domain)


@pytest.mark.parametrize(
    "domain",
    [
        "x.example",
        "bücher.example",
        "example.co.uk",
        "a.b.c.example",
        "X.EXAMPLE.",
        "www.ck",  # the exception to the rule
        "city.kobe.jp",
        "somebody.github.io",
    ],
)
def test_a_registered_domain_may_be_a_partner(domain: str) -> None:
    # D2
    assert registrable_problem(domain) == ""


@pytest.mark.parametrize(
    ("domain", "word"),
    [
        ("", "not a domain"),
        ("*", "without *"),
        ("*@x.example", "local part"),
        ("*.x.example", "without *"),
        ("a@x.example", "local part"),
        ("com", "single label"),
        ("de.", "single label"),
        ("co.uk", "public suffix"),
        ("CO.UK.", "public suffix"),
        ("onmicrosoft.com", "public suffix"),
        ("amazonaws.com", "public suffix"),
        ("github.io", "public suffix"),
        ("anything.ck", "public suffix"),  # a rule for all of them
        ("公司.cn", "public suffix"),
        ("xn--55qx5d.cn", "public suffix"),
        ("kobe.jp", "public suffix"),
        ("[192.0.2.1]", "literal"),
        ("a b", "not a domain"),
    ],
)
def test_other_domains_are_refused_with_a_reason(domain: str, word: str) -> None:
    # D2
    assert word in registrable_problem(domain)


def test_a_provider_may_manage_its_own_domain_and_nobody_a_registry() -> None:
    # D2
    assert registrable_problem("github.io", is_ours=True) == ""
    assert "public suffix" in registrable_problem("co.uk", is_ours=True)
