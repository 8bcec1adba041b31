"""Where the code writes to the ledger, read from the code: the rows that the table of crashes has to visit.

A site is a call that writes, as `module.Function#n` (the n-th in it). Some functions write on behalf of
others (`Parts.put_off`, `Record._write`): each call of one is a site as well, since what it writes differs.
A task that writes for whoever waits for it (`on_behalf`) is followed back to there.
"""

from __future__ import annotations

import ast
import contextvars
import dataclasses
import functools
import inspect
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import okdrop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

_callers: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("callers", default=())

PACKAGE = Path(okdrop.__file__).parent

WRITES = frozenset(
    {
        "write",
        "add",
        "add_all",
        "release",
        "note_folder",
        "add_orphan",
        "orphan_deleted",
        "orphan_failed",
        "remember_host",
        "note_halt",
        "remember_pace",
        "prune",
        "override",
        "add_steps",
        "close_steps",
        "put_off_steps",
        "replan_step",
        "drop_lane",
        "forget_steps",
    }
)
"""The methods of the ledger that write."""

WRITERS = frozenset(
    {
        "Parts.fail",
        "Parts.put_off",
        "Parts.supersede",
        "Record._write",
        "Record.abandon",
        "Record.note_progress",
        "Record.put_off",
        "Record.renamed",
        "Record.write_ahead",
        "Chores._go_on",
        "Chores._done",
        "Chores._later",
        "Chores._left",
        "Filer._write_target",
        "Finalizer._fail",
        "Teller._note",
        "Uploader._failed",
        "janitor._failed",
    }
)
"""Functions that write on behalf of others."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Site:
    """A call that writes; `first` and `last` are its lines."""

    file: str
    first: int
    last: int
    name: str


def _is_write(call: ast.Call, within: str, module: str) -> bool:
    """Whether a call writes; `within` is the class whose method makes it."""
    called = call.func
    if isinstance(called, ast.Name):
        return f"{module}.{called.id}" in WRITERS
    if not isinstance(called, ast.Attribute):
        return False
    owner = getattr(called.value, "attr", getattr(called.value, "id", ""))
    if owner == "ledger":
        return called.attr in WRITES
    kind = {"self": within, "_filer": "Filer", "_record": "Record", "parts": "Parts", "_parts": "Parts"}.get(
        owner, ""
    )
    return f"{kind}.{called.attr}" in WRITERS


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from _functions(node, f"{name}.")


@functools.cache
def sites() -> frozenset[Site]:
    """Every site in the stages of the pipeline."""
    found = set()
    for path in sorted((PACKAGE / "pipeline").glob("*.py")):
        for name, function in _functions(ast.parse(path.read_text())):
            within = name.rpartition(".")[0]
            calls = [
                node
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and _is_write(node, within, path.stem)
            ]
            calls.sort(key=lambda call: call.lineno)
            for number, call in enumerate(calls, 1):
                label = f"{path.stem}.{name}" + (f"#{number}" if len(calls) > 1 else "")
                found.add(Site(str(path), call.lineno, call.end_lineno or call.lineno, label))
    return frozenset(found)


def writing(ledger: type) -> frozenset[str]:
    """The methods of the ledger that have its thread write, but for what opens it."""
    trees = [ast.parse(textwrap.dedent(inspect.getsource(kind))) for kind in ledger.__mro__[:-1]]
    return frozenset(
        name.rpartition(".")[2]
        for tree in trees
        for name, function in _functions(tree)
        if any(isinstance(node, ast.Attribute) and _names_writer(node) for node in ast.walk(function))
    )


def _names_writer(node: ast.Attribute) -> bool:
    return node.attr == "write" and isinstance(node.value, ast.Attribute) and node.value.attr == "_thread"


@functools.cache
def _by_file() -> dict[str, list[Site]]:
    files: dict[str, list[Site]] = {}
    for site in sites():
        files.setdefault(site.file, []).append(site)
    return files


def chain(frame: FrameType | None) -> tuple[str, ...]:
    """The sites that a write comes through, the innermost first."""
    names: list[str] = []
    while frame is not None:
        here = _by_file().get(frame.f_code.co_filename, ())
        names += [site.name for site in here if site.first <= frame.f_lineno <= site.last]
        frame = frame.f_back
    return (*names, *_callers.get())


def on_behalf(waits: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Have a function that writes in a task of its own tell for whom: no frame leads back from there."""

    @functools.wraps(waits)
    async def waited(*arguments: Any) -> None:
        token = _callers.set(chain(sys._getframe(1)))
        try:
            await waits(*arguments)
        finally:
            _callers.reset(token)

    return waited
