"""docs/performance.md and its plots, drawn from docs/performance.json: `make performance`.

No figure in that document is written by hand; a test holds that it is what this makes of the JSON.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import words
from bench.figures import Curve, Figure, Report
from bench.plot import svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DOCS: Final = Path(__file__).parents[1] / "docs"
JSON: Final = DOCS / "performance.json"
DOCUMENT: Final = DOCS / "performance.md"
IMAGES: Final = DOCS / "img"

TITLES: Final = {
    "throughput": "One file, plain HTTP",
    "tls": "One file, over TLS",
    "limited": "A server that gives each connection so much",
    "bandwidth": "A limit on what is sent",
    "small": "Many small files",
    "storm": "A storm of faults",
    "memory": "Memory for a large file",
    "waiting": "Memory for many files",
    "library": "A folder whose files were all published",
    "pages": "While people look at it",
    "latency": "From the last write to the first byte",
    "sizes": "By the size of a file",
    "numbers": "By the number of files",
    "digest": "What hashing costs",
}

_HEAD: Final = """# Performance

Drawn by `make performance` from [performance.json](performance.json), which `make bench` wrote; no figure is written by hand.

okdrop runs as the whole process that it is: watching, settling, its ledger and publishing are in each figure.
Beside it runs its reference, on the same server, in turns: first the one, then the other, and the other way round.
So a figure is a ratio of neighbours in time, and what a busy machine does to one it does to both.
Given are the median and the middle half.
The server of the benchmark throws every byte away; throughput is taken by its clock, from the first segment's head to the last answer.
Its own cost stands among the figures: where it is near the client's, the server is a part of what is measured.
The references are curl with one request (`--upload-file`, which streams), curl with the file's parts in several requests at once, and what the server's limits allow.
CPU is what the kernel counts for the client's process, user and system.
Where the processor's time goes, and what was tried to save of it, is [decision 25](decisions/0025-from-the-file-to-the-line.md).
"""


def document(report: Report) -> str:
    """The document."""
    parts = [_HEAD, _conditions(report)]
    rows = dict.fromkeys(each.row for each in report.findings)
    for row in sorted(rows, key=list(TITLES).index):
        found = [each for each in report.findings if each.row == row]
        parts.append(f"## {TITLES[row]}\n")
        figures = [each for each in found if isinstance(each, Figure)]
        if figures:
            parts.append(_table(figures))
        parts += [_shown(each) for each in found if isinstance(each, Curve)]
    return "\n".join(parts)


def _conditions(report: Report) -> str:
    lines = [f"| day | {report.date} |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in report.machine.items()]
    lines += [f"| `{name}` | {value} |" for name, value in report.given.items()]
    return "\n".join([*lines, ""])


def _table(figures: Iterable[Figure]) -> str:
    lines = ["| what | value | middle half | aim | met | reference | how |", "|" + " --- |" * 7]
    for each in figures:
        cells = (
            each.name,
            words.number(each.value.median, each.unit),
            words.spread(each.value, each.unit),
            words.aim(each),
            words.verdict(each),
            each.reference,
            each.conditions,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _shown(curve: Curve) -> str:
    said = f"\n{curve.conditions[0].upper()}{curve.conditions[1:]}.\n" if curve.conditions else ""
    return f"![{curve.name}: {curve.y} over {curve.x}](img/{file_name(curve)})\n{said}"


def file_name(curve: Curve) -> str:
    """Where a curve is drawn."""
    return f"performance-{curve.row}-{re.sub(r'[^a-z]+', '-', curve.name.lower()).strip('-')}.svg"


def plots(report: Report) -> Iterator[tuple[Path, str]]:
    """Every drawing, and where it belongs."""
    for each in report.findings:
        if isinstance(each, Curve):
            yield IMAGES / file_name(each), svg(each)


def main() -> None:
    """Draw everything anew."""
    report = Report.from_json(json.loads(JSON.read_text()))
    drawn = dict(plots(report))
    for old in set(IMAGES.glob("performance-*.svg")) - set(drawn):
        old.unlink()
    for path, drawing in drawn.items():
        path.write_text(drawing)
    DOCUMENT.write_text(document(report))


if __name__ == "__main__":
    main()
