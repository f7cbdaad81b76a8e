"""What a finding says, and how those of several layers become one."""

import pytest

from app.smime.finding import MAKER, NO_SIGNATURE, Finding, Status, worst
from app.smime.reasons import Reason


def made(status: Status, *codes: str) -> Finding:
    return Finding(MAKER, status, tuple(Reason(code) for code in codes))


def test_nobody_else_can_make_a_finding() -> None:  # T68
    with pytest.raises(TypeError):
        Finding(object(), Status.VALID)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (Status.NONE, "none"),
        (Status.VALID, "pass"),
        (Status.VALID_DOMAIN, "pass"),
        (Status.VALID_OTHER, "policy"),
        (Status.UNTRUSTED, "policy"),
        (Status.REVOKED, "fail"),
        (Status.INVALID, "fail"),
        (Status.PARTIAL, "neutral"),
        (Status.UNSUPPORTED, "neutral"),
    ],
)
def test_result_is_the_word_of_rfc_8601(status: Status, result: str) -> None:
    assert made(status).result == result
    assert made(status).is_pass == (result == "pass")


def test_revocation_that_had_to_be_known_is_a_temporary_error() -> None:
    assert made(Status.UNTRUSTED, "revocation-required").result == "temperror"


def test_no_finding_is_no_signature() -> None:  # T68
    assert worst(()).status is Status.NONE
    assert NO_SIGNATURE("a@b.example").from_address == "a@b.example"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        # outermost first; the last is the payload
        ([Status.VALID, Status.VALID], Status.VALID),
        ([Status.VALID, Status.INVALID], Status.INVALID),
        ([Status.INVALID, Status.VALID], Status.INVALID),
        ([Status.VALID_OTHER, Status.VALID], Status.VALID_OTHER),
        ([Status.UNTRUSTED, Status.VALID_OTHER], Status.UNTRUSTED),
        ([Status.VALID, Status.REVOKED], Status.REVOKED),
        ([Status.VALID, Status.UNSUPPORTED], Status.UNSUPPORTED),
        # Only ciphertext was signed: T66.
        ([Status.VALID, Status.NONE], Status.PARTIAL),
        ([Status.VALID_OTHER, Status.NONE], Status.PARTIAL),
        ([Status.VALID, Status.PARTIAL], Status.PARTIAL),
        ([Status.INVALID, Status.NONE], Status.INVALID),
        ([Status.NONE], Status.NONE),
        ([Status.PARTIAL], Status.PARTIAL),
        ([Status.VALID], Status.VALID),
    ],
)
def test_the_worst_layer_counts(layers: list[Status], expected: Status) -> None:
    assert worst([made(status) for status in layers]).status is expected


def test_of_equals_the_innermost_counts() -> None:
    outer, inner = made(Status.VALID).at_layer(1), made(Status.VALID).at_layer(2)
    assert worst([outer, inner]).layer == 2


@pytest.mark.parametrize("language", ["de", "en"])
def test_reasons_read_in_both_languages(language: str) -> None:
    text = Reason("from-differs", "eve@example.com").text(language)
    assert text.endswith(": eve@example.com")
    assert ("gehört" in text) == (language == "de")


def test_unknown_reason_reads_as_its_code() -> None:
    assert str(Reason("no-such-code")) == "no such code"
