"""The documents keep their promises: every code, every planted defect, no dead link, no missing test."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import operator
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import okdrop
from okdrop import events, words
from okdrop.pipeline import after
from okdrop.protocol import verdicts
from protocol.test_mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = Path(okdrop.__file__).parent
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_TEST = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")
_SYMBOL = re.compile(r"`(okdrop(?:\.[a-z_]\w*)+(?:\.[A-Za-z_]\w*)*)`")


def _words(node: ast.expr) -> Iterator[str]:
    """The codes an expression may give; a number that is put in is written N."""
    match node:
        case ast.Constant(value=str(word)) if _CODE.fullmatch(word):
            yield word
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_words(body), *_words(orelse))
        case ast.JoinedStr(values=[ast.Constant(value=str(prefix)), ast.FormattedValue()]):
            yield f"{prefix}N"


def _codes_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code", value=value):
                yield from _words(value)
            case (
                ast.Assign(targets=[ast.Name(id="code" | "stable" | "NOT_TAKEN")], value=value)
                | ast.AnnAssign(
                    target=ast.Name(
                        id="code"
                        | "stable"
                        | "SOURCE_GONE"
                        | "SOURCE_AWAY"
                        | "SOURCE_MISSED"
                        | "NOT_TAKEN"
                        | "EXISTING_IGNORED"
                    ),
                    value=ast.expr() as value,
                )
            ):
                yield from _words(value)
            case ast.Call(func=ast.Attribute(attr="GiveUp" | "troubled"), args=[first, *_]):
                yield from _words(first)


def _codes() -> set[str]:
    modules = [path for path in PACKAGE.rglob("*.py") if not {"emulator", "demo"} & {*path.parts}]
    found = {code for path in modules for code in _codes_of(ast.parse(path.read_text()))}
    faults = {*verdicts._FILE_FAULTS.values(), verdicts._BAD_FILE}
    found.remove("video_N")  # of these words there is an end, so each is listed
    open_questions = {
        f"video_{status.value.lower()}"
        for status, word in after.WORDS.items()
        if word in {after.Word.MISSING, after.Word.NOT_YET}
    }
    return found | {code for code, _, _ in faults} | open_questions


def _first_column(document: Path) -> set[str]:
    cells = re.findall(r"^\| ([^|]+) \|", document.read_text(), re.MULTILINE)
    return {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}


def test_every_code_of_the_package_is_found() -> None:
    some = {
        "source_gone",
        "ledger_disk",
        "http_N",
        "api_N",
        "api_unreachable",
        "resend_limit",
        "dvd_menu",
        "doubt",
    }
    assert some <= _codes()


def test_the_runbook_holds_every_code_and_no_other() -> None:
    listed = {
        code for code in _first_column(ROOT / "docs" / "errors.md") if _CODE.fullmatch(code.replace("N", ""))
    }
    assert listed == _codes()


def test_what_hinders_a_row_is_an_error_s_code_or_a_word_of_oks() -> None:
    """`show` prints it: were it made in another way, the list above would not know of it."""
    made = {
        ast.unparse(node.args[0])
        for path in (PACKAGE / "pipeline").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "troubled"
    }
    assert made == {"error.code", "f'video_{status.value.lower()}'"}


def test_every_word_of_oks_about_a_video_is_said_in_words() -> None:
    asked_again = {code for code in _codes() if code.startswith("video_")} & set(words.OK_SAYS)
    refused = {failure.code for failure in after._REFUSALS.values()}
    assert asked_again == {code for code in _codes() if code.startswith("video_")} - refused - {
        "video_unclear"
    }
    assert asked_again == set(words.OK_SAYS)


def test_every_verdict_of_an_api_code_is_listed() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    assert [code for code in verdicts._OPERATOR if f"| {code} |" not in text] == []


def test_every_planted_defect_is_listed_and_no_other() -> None:
    text = (ROOT / "docs" / "testing.md").read_text().partition("## Planted defects")[2]
    section = text.partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| `(\w+\.py)` \|", section, re.MULTILINE)
    assert rows == [(mutant.name, mutant.module) for mutant in MUTANTS]
    tests = (ROOT / "tests" / "protocol" / "test_session.py").read_text()
    assert [name for name in re.findall(r"`(test_\w+)`", section) if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = [target for target in _LINK.findall(document.read_text()) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_tests_that_are_named_are_there(document: Path) -> None:
    for file, name in _TEST.findall(document.read_text()):
        source = (ROOT / file).read_text()
        assert not name or re.search(rf"(def|class) {name}\b|^{name} = ", source, re.MULTILINE), (
            f"{file}::{name}"
        )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_symbols_that_are_named_are_there(document: Path) -> None:
    for symbol in _SYMBOL.findall(document.read_text()):
        assert _resolves(symbol), symbol


@functools.cache
def _resolves(symbol: str) -> bool:
    parts = symbol.split(".")
    for length in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        try:
            return length == len(parts) or operator.attrgetter(".".join(parts[length:]))(module) is not None
        except AttributeError:
            return False
    return False


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_the_installation_holds_together(name: str) -> None:
    """One place, which the unit names too; and okdrop is called by its bare name only once that is linked."""
    text = (ROOT / name).read_text()
    unit = (ROOT / "systemd" / "okdrop.service").read_text()
    places = {*re.findall(r"/\S*/bin/okdrop\b", text + unit)} - {"/usr/local/bin/okdrop"}
    assert places == {"/opt/okdrop/bin/okdrop"}
    before, linked, _ = text.partition("ln -sf /opt/okdrop/bin/okdrop /usr/local/bin/okdrop\n")
    assert linked
    blocks = re.findall(r"^```sh\n(.*?)^```", before + "```\n", re.DOTALL | re.MULTILINE)
    bare = [
        line for block in blocks for line in block.splitlines() if re.match(r"(sudo \S+ \S+ )?okdrop ", line)
    ]
    assert bare == []


def test_every_event_is_explained_and_no_other() -> None:
    kinds = [
        kind for _, kind in inspect.getmembers(events, inspect.isclass) if issubclass(kind, events.Event)
    ]
    names = {kind.name for kind in kinds} - {events.Event.name}
    listed = {name for name in _first_column(ROOT / "docs" / "running.md") if "." in name}
    assert listed == names


def test_every_decision_is_on_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text()))
    assert {path.name for path in folder.glob("[0-9]*.md")} == listed


def test_every_number_of_the_protocol_that_the_code_names_is_explained() -> None:
    explained = set(re.findall(r"\d(?:\.\d+)?", "\n".join(_numbers_column())))
    named = {
        number
        for path in (*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"))
        for listed in re.findall(r"protocol\.md (\d[\d., and]*)", path.read_text())
        for number in re.findall(r"\d(?:\.\d+)?", listed)
    }
    assert named - explained == set()


def _numbers_column() -> list[str]:
    text = (ROOT / "docs" / "protocol.md").read_text().partition("## The numbers that the code names")[2]
    return re.findall(r"^\| (\d[^|]*) \|", text, re.MULTILINE)
