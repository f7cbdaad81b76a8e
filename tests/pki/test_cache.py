"""Answers from memory, and answers in threads, loops and children."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from app.pki.certificate import Certificate
from app.pki.path import Anchors, validate
from tests.pki.asking import ROOT, STRANGER, SUB, anchors, path_of
from tests.testpki import (
    AT,
    ca,
)


def test_intermediates_of_the_installation_help() -> None:
    root, sub = Certificate.from_der(ROOT.certificate), Certificate.from_der(SUB.certificate)
    alice = Certificate.from_der(SUB.issue("alice@example.org").certificate)
    known = Anchors((root,), "with intermediates", (sub,))
    assert validate(alice, (), known, at=AT, revocation="off").status == "trusted"


def test_second_question_is_answered_from_memory() -> None:
    leaf = Certificate.from_der(SUB.issue("alice@example.org").certificate)
    pool, roots = (Certificate.from_der(SUB.certificate),), anchors(ROOT)
    first = validate(leaf, pool, roots, at=AT)
    assert validate(leaf, pool, roots, at=AT + timedelta(seconds=30)) is first
    assert validate(leaf, pool, roots, at=AT + timedelta(seconds=61)) is not first
    assert validate(leaf, pool, anchors(ROOT), at=AT) is not first
    assert validate(leaf, (), roots, at=AT).status == "untrusted"


def test_answer_from_memory_ends_with_the_certificate() -> None:
    leaf = Certificate.from_der(SUB.issue("a@example.org", not_before=AT, days=1).certificate)
    pool, roots = (Certificate.from_der(SUB.certificate),), anchors(ROOT)
    end = AT + timedelta(days=1)
    assert validate(leaf, pool, roots, at=end - timedelta(seconds=10)).status == "trusted"
    assert validate(leaf, pool, roots, at=end + timedelta(seconds=1)).status == "expired"


def test_threads_ask_at_once_and_get_the_same_answers() -> None:
    cases = [
        (SUB.issue("alice@example.org"), "trusted"),
        (STRANGER.issue("eve@example.org"), "untrusted"),
        (ca("Thread", ROOT, permitted=["example.net"]).issue("a@example.org"), "untrusted"),
    ]
    barrier = threading.Barrier(8)

    def ask(number: int) -> list[str]:
        barrier.wait()
        return [path_of(each, ROOT).status for each, _ in cases * 5]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(ask, range(8)):
            assert answers == [status for _, status in cases] * 5


def test_answer_comes_inside_a_running_event_loop() -> None:
    import asyncio

    async def ask() -> str:
        return path_of(SUB.issue("alice@example.org"), ROOT).status

    assert asyncio.run(ask()) == "trusted"


def test_answer_comes_after_a_fork() -> None:
    program = (
        "import os, tests.pki.asking as t\n"
        "alice = t.SUB.issue('alice@example.org')\n"
        "assert t.path_of(alice, t.ROOT).status == 'trusted'\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(t.path_of(alice, t.ROOT).status != 'trusted')\n"
        "raise SystemExit(os.waitpid(child, 0)[1])\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120 - three up
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, cwd=root, timeout=60)
