"""The tree of errors: what each asks of us, and what it says."""

from __future__ import annotations

import re

import pytest

from okdrop import errors
from okdrop.errors import (
    ConfigurationError,
    Doubt,
    GaveUp,
    Halted,
    LedgerError,
    LocalProtocolError,
    OkdropError,
    SourceChanged,
    TicketDead,
    Trouble,
    UploadError,
    Verdict,
)

PLAIN: list[tuple[type[OkdropError], str]] = [
    (OkdropError, "error"),
    (ConfigurationError, "configuration"),
    (LedgerError, "ledger"),
    (LocalProtocolError, "local_protocol"),
]
JUDGED: list[tuple[type[UploadError], str, Verdict]] = [
    (UploadError, "upload", Verdict.RETRY),
    (Trouble, "trouble", Verdict.RETRY),
    (Doubt, "doubt", Verdict.RESYNC),
    (TicketDead, "ticket_dead", Verdict.RESTART),
    (SourceChanged, "source_changed", Verdict.SUPERSEDE),
    (GaveUp, "gave_up", Verdict.GIVE_UP),
    (Halted, "halted", Verdict.HALT),
]
ALL = PLAIN + [(kind, code) for kind, code, _ in JUDGED]


def subclasses(kind: type) -> set[type]:
    found = {each for each in kind.__subclasses__() if each.__module__ == errors.__name__}
    return found.union(*map(subclasses, found)) if found else found


def test_the_tables_name_every_class() -> None:
    assert {kind for kind, _ in ALL} == {OkdropError} | subclasses(OkdropError)


@pytest.mark.parametrize(("kind", "code"), ALL)
def test_code_hint_and_text(kind: type[OkdropError], code: str) -> None:
    plain = kind("it went wrong")
    assert (str(plain), plain.message, plain.code, plain.hint) == (
        "it went wrong",
        "it went wrong",
        code,
        "",
    )
    told = kind("it went wrong", code="special", hint="do this")
    assert (str(told), told.code, told.hint) == ("it went wrong", "special", "do this")


@pytest.mark.parametrize(("kind", "code"), ALL)
def test_codes_are_fit_for_a_label(kind: type[OkdropError], code: str) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", code)
    assert kind.code == code


@pytest.mark.parametrize(("kind", "_code", "verdict"), JUDGED)
def test_verdict(kind: type[UploadError], _code: str, verdict: Verdict) -> None:
    assert kind("x").verdict is verdict


def test_every_verdict_has_an_error() -> None:
    assert {verdict for *_, verdict in JUDGED} == set(Verdict)


def test_trouble_carries_what_the_backoff_asks() -> None:
    plain = Trouble("busy")
    assert (plain.retry_after, plain.long, plain.tries, plain.maybe_done) == (None, False, None, False)
    told = Trouble("busy", retry_after=2.5, long=True, tries=3, maybe_done=True)
    assert (told.retry_after, told.long, told.tries, told.maybe_done) == (2.5, True, 3, True)


def test_the_tree_in_the_module_names_every_class_below_its_base_with_its_verdict() -> None:
    drawn: dict[str, tuple[str, str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w+)(?:\s+(.*))?", line)
        if match is None:
            continue
        branch, name, words = match.groups()
        depth = len(branch) // 4 + (1 if "── " in line else 0)
        path[depth:] = [name]
        drawn[name] = (path[depth - 1] if depth else "", words or "")
    assert set(drawn) == {kind.__name__ for kind, _ in ALL}
    for kind, _ in ALL:
        base = kind.__bases__[0].__name__ if kind is not OkdropError else ""
        assert drawn[kind.__name__][0] == base
    for kind, _, verdict in JUDGED[1:]:
        words = drawn[kind.__name__][1]
        assert words.lstrip("(").startswith(verdict.value), kind
