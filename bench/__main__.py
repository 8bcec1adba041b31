"""`python -m bench`: run benchmarks, print them, and keep them as JSON; `make bench` calls it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bench import words
from bench.context import Bench
from bench.figures import Report
from bench.machine import machine
from bench.processes import BenchError
from bench.rows import ROWS
from bench.table import table

if TYPE_CHECKING:
    from rich.status import Status

    from bench.figures import Finding


def main() -> None:
    """Run what was asked for; one benchmark that fails does not take the others with it."""
    given = _arguments()
    aside = Console(stderr=True)
    try:
        on = machine()
    except BenchError as error:
        sys.exit(f"bench: {error}")
    findings: list[Finding] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="okdrop-bench-", dir=given.place) as root:
        for name in given.rows:
            try:
                with aside.status(name) as status:
                    findings += ROWS[name](_bench(given, Path(root), name, status))
            except BenchError as error:
                failed = True
                aside.print(f"bench: {name}: {error}", markup=False)
            else:
                aside.print(f"{name}: done")
                _keep(given, on, findings)
    Console().print(table(findings))
    if failed:
        sys.exit(1)


def _keep(given: argparse.Namespace, on: dict[str, str], findings: list[Finding]) -> None:
    """Write down what was found so far, if it is wanted: a run lasts long."""
    report = Report(
        date=datetime.now(UTC).date().isoformat(),
        machine=on,
        given={"SIZE": words.sized(given.size), "FILES": f"{given.files:,}", "PAIRS": str(given.pairs)},
        findings=findings,
    )
    if given.json is not None:
        given.json.write_text(json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")


def _bench(given: argparse.Namespace, root: Path, name: str, status: Status) -> Bench:
    def say(text: str) -> None:
        status.update(f"{name}: {text}")

    return Bench(root=root, size=given.size, files=given.files, pairs=given.pairs, say=say)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", type=words.size_of, default="1GiB", help="of the file sent whole")
    parser.add_argument("--files", type=int, default=100_000, help="that wait, or were published")
    parser.add_argument("--pairs", type=int, default=9, help="how often each is measured")
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help=f"some of {','.join(ROWS)}")
    parser.add_argument("--json", type=Path, help="where the figures are kept")
    parser.add_argument("--place", type=Path, help="where files are laid; else the system's temporary folder")
    return parser.parse_args()


def _rows(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in ROWS]:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there is {', '.join(ROWS)}")
    return names or list(ROWS)


if __name__ == "__main__":
    main()
