"""Draws what the documents show from what the code says: `make diagrams`.

The shipped configuration is copied into the package too, where `okdrop init` finds it; what can be asked over
HTTP is written out for programs.

A document holds marked blocks, from `<!-- NAME: generated -->` to `<!-- NAME: end -->`; each is replaced by
what its painter gives. A test fails when a document is not what this script would make of it.
"""  # noqa: INP001  a script beside the documents, no package

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.config.keys import keys
from okdrop.config.model import TABLES
from okdrop.config.unheeded import UNHEEDED
from okdrop.drop import TRANSITIONS, UNFINISHED, State
from okdrop.emulator import FAULTS
from okdrop.web.openapi import document as contract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DOCS: Final = Path(__file__).parent
SHIPPED: Final = DOCS.parent / "config" / "okdrop.toml"
PACKAGED: Final = DOCS.parent / "daemon" / "okdrop" / "config" / "okdrop.toml"
CONTRACT: Final = DOCS / "openapi.json"

_BLOCK: Final = re.compile(
    r"(<!-- (?P<name>[a-z-]+): generated -->\n).*?(?P<end><!-- (?P=name): end -->\n)", re.DOTALL
)
_KEY: Final = re.compile(r"(?:# )?([a-z_]+) = (.*)")
_SECTION: Final = re.compile(r"(?:# )?\[\[?([a-z]+)(?:\]\]?|\.kids\])")
_TITLES: Final = {section: f"[[{section}]]" for section in TABLES} | {"account": "[account.NAME]"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table, a blank line before and after it."""
    names = list(head)
    lines = [names, ["---"] * len(names), *map(list, rows)]
    return (
        "\n"
        + "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)
        + "\n"
    )


def state_diagram() -> str:
    """Every transition, as Mermaid draws it."""
    arrows = [f"    {old} --> {new}" for old in State for new in State if new in TRANSITIONS[old]]
    ends = [f"    {state} --> [*]" for state in State if not TRANSITIONS[state]]
    return "\n".join(
        ["", "```mermaid", "stateDiagram-v2", "    [*] --> queued", *arrows, *ends, "```", "", ""]
    )


def state_table() -> str:
    """From which state a row may go where."""
    return table(
        ("from", "goes on by itself", "may become"),
        (
            (
                f"`{old}`",
                "yes" if old in UNFINISHED else "no",
                ", ".join(f"`{new}`" for new in State if new in TRANSITIONS[old]) or "nothing",
            )
            for old in State
        ),
    )


def faults() -> str:
    """Every fault of the emulator, with what can be set beside its trigger."""
    return table(
        ("fault", "what happens", "strikes", "parameters and their defaults"),
        (
            (
                f"`{name}`",
                kind.does,
                ", ".join(sorted(kind.on)) + (f" (can: {', '.join(sorted(kind.may))})" if kind.may else ""),
                ", ".join(f"`{key}={_plain(value)}`" for key, value in kind.parameters.items()),
            )
            for name, kind in FAULTS.items()
        ),
    )


def configuration() -> str:
    """Every key of the shipped file, with its default and its comment; a section after the other."""
    shown = _commented_keys()
    missing = set(keys()) - set(shown)
    if missing:
        raise SystemExit(f"config/okdrop.toml lacks {sorted(missing)}")
    parts: list[str] = []
    for section in dict.fromkeys(section for section, _ in shown):
        rows = [
            (f"`{name}`", default, comment)
            for (above, name), (default, comment) in shown.items()
            if above == section
        ]
        title = _TITLES.get(section, f"[{section}]")
        parts.append(
            f"\n### `{title}`\n" + table(("key", "default", "what it says"), rows).rstrip("\n") + "\n"
        )
    return "".join(parts) + "\n"


def unheeded() -> str:
    """The keys that this version checks and does not heed, by what happens instead."""
    words = dict.fromkeys(UNHEEDED.values())
    rows = (
        (", ".join(f"`{'.'.join(key)}`" for key, instead in UNHEEDED.items() if instead == word), word)
        for word in words
    )
    return table(("key", "what happens instead"), rows)


def _commented_keys() -> dict[tuple[str, str], tuple[str, str]]:
    """(section, key) → (default, comment), in the order of the shipped file."""
    text = SHIPPED.read_text()
    values = tomllib.loads(text)
    found: dict[tuple[str, str], tuple[str, str]] = {}
    section = ""
    comment: list[str] = []
    for line in text.splitlines():
        if heading := _SECTION.fullmatch(line):
            section, comment = heading[1], []
        elif section and (key := _KEY.fullmatch(line)):
            field = TABLES[section].model_fields[key[1]] if section in TABLES else None
            given = values[section][0] if section == "watch" else values.get(section, {})
            default = "not set" if line.startswith("#") else _toml(given[key[1]])
            if section in TABLES and section != "watch":  # whole tables that are not set
                default = f"`{key[2]}`"
            needed = field is not None and field.is_required()
            found[section, key[1]] = ("required" if needed else default, " ".join(comment))
            comment = []
        elif line.startswith("# "):
            comment.append(line.removeprefix("# "))
    return found


def _toml(value: object) -> str:
    if isinstance(value, list) and len(value) > 4:  # noqa: PLR2004  what fits in a cell
        return f"{len(value)} names, see `config/okdrop.toml`"
    if isinstance(value, list):
        return f"`{json.dumps(value)}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{_plain(value)}`"


def event_table() -> str:
    """Every event, by its name: how grave it is, what it means, what it tells."""
    kinds = [
        kind
        for _, kind in inspect.getmembers(events, inspect.isclass)
        if "name" in vars(kind) and kind.name != "event"
    ]
    return table(
        ("event", "level", "what happened", "what the line has"),
        (
            (
                f"`{kind.name}`",
                kind.level,
                (inspect.getdoc(kind) or "").replace("\n", " ").removesuffix("."),
                ", ".join(f"`{field.name}`" for field in dataclasses.fields(kind)),
            )
            for kind in sorted(kinds, key=lambda kind: kind.name)
        ),
    )


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PAINTERS: Final[dict[str, Callable[[], str]]] = {
    "state-diagram": state_diagram,
    "state-table": state_table,
    "faults": faults,
    "configuration": configuration,
    "unheeded": unheeded,
    "events": event_table,
}


def drawn(text: str) -> str:
    """The document with each of its blocks drawn anew."""
    return _BLOCK.sub(lambda block: block[1] + PAINTERS[block["name"]]() + block["end"], text)


def contract_text() -> str:
    """The description of the HTTP API, as a file."""
    return json.dumps(contract(), indent=2) + "\n"


def main() -> None:
    """Bring every document, and the packaged configuration, up to date."""
    PACKAGED.write_text(SHIPPED.read_text())
    CONTRACT.write_text(contract_text())
    for document in sorted(DOCS.rglob("*.md")):
        old = document.read_text()
        if (new := drawn(old)) != old:
            document.write_text(new)


if __name__ == "__main__":
    main()
