"""Defects planted in a copy of the package: what notices each, the tests of its parts, or the storms?

    make planted                  every defect
    make planted ARGS="-k stat"   those with this word in their names

A storm that cannot fail proves nothing. Each row breaks one thought; nothing of it touches the checkout.
docs/reliability.md lists what was seen.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import okdrop

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS: Final = Path(__file__).parent.parent
PACKAGE: Final = Path(okdrop.__file__).parent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thought that is broken.

    Args:
        name: what is wrong, in words.
        edits: module, the text in it (there exactly once), and what becomes of that.
        tests: where tests of its parts are, below `tests/`.
    """

    name: str
    edits: tuple[tuple[str, str, str], ...]
    tests: tuple[str, ...]


DEFECTS: Final = (
    Defect(
        name="a lost answer is not asked about",
        edits=(
            ("protocol/belief.py", "        self.doubtful |= lost\n        self._lost_since |= lost\n", ""),
        ),
        tests=("protocol/test_session.py",),
    ),
    Defect(
        name="the local count is trusted after a restart",
        edits=(
            (
                "pipeline/sessions.py",
                "    return Session(size, plan,",
                (
                    "    if restored is not None:\n        return _trusting(row, size, plan, restored)\n"
                    "    return Session(size, plan,"
                ),
            ),
            (
                "pipeline/sessions.py",
                "def _restored(row: Upload)",
                (
                    "def _trusting(row, size, plan, restored):\n"
                    "    session = Session(size, plan, tickets=row.tickets, sent=0, restored=restored)\n"
                    "    session._unsure = False\n"
                    "    session._belief.held = type(session._belief.held).prefix(row.received)\n"
                    "    return session\n\n\n"
                    "def _restored(row: Upload)"
                ),
            ),
        ),
        tests=("pipeline/test_attempt.py", "pipeline/test_uploader.py"),
    ),
    Defect(
        name="published once every byte was offered, whole or not",
        edits=(
            (
                "protocol/session.py",
                "self._there or (belief.whole and belief.idle and (self._final or belief.confirmed_whole))",
                "self._there or (belief.idle and belief.offered_all)",
            ),
        ),
        tests=("protocol/test_session.py",),
    ),
    Defect(
        name="a 200 is believed while bytes are missing",
        edits=(
            ("protocol/session.py", "if belief.missing or belief.doubtful:", "if False:"),
            (
                "protocol/session.py",
                "self._there or (belief.whole",
                "self._there or (self._final and belief.idle) or (belief.whole",
            ),
        ),
        tests=("protocol/test_session.py",),
    ),
    Defect(
        name="the file is moved before the publication is written",
        edits=(
            (
                "pipeline/finalizer.py",
                "            row, described = await self._commit_to(row, await self._desc",
                (
                    "            from okdrop.pipeline.filer import Filer\n"
                    "            wanted = self._parts.afterwards_of(row.drop)\n"
                    '            if wanted.after.value == "move":\n'
                    "                row, _ = await Filer(self._parts).move(row, wanted)\n"
                    "            row, described = await self._commit_to(row, await self._desc"
                ),
            ),
        ),
        tests=("pipeline/test_finalizer.py", "pipeline/test_chores.py", "e2e/test_after.py"),
    ),
    Defect(
        name="the revision is not looked at before publishing",
        edits=(
            (
                "pipeline/finalizer.py",
                "        if row.publish_offered:\n            return row, described\n",
                "        return row, described\n",
            ),
        ),
        tests=("pipeline/test_finalizer.py",),
    ),
    Defect(
        name="an expired ticket is used again",
        edits=(
            (
                "protocol/session.py",
                "            self._closing = m.AskVideo() if self.offered_all else dead\n",
                "            self._unsure = True\n",
            ),
        ),
        tests=("protocol/test_session.py",),
    ),
    Defect(
        name="the intent to publish is not written",
        edits=(
            (
                "pipeline/finalizer.py",
                "intended(row, described.metadata, self._parts.now(), is_draft=is_draft)",
                "row",
            ),
        ),
        tests=("pipeline/test_finalizer.py",),
    ),
    Defect(
        name="the file is deleted without OK's word",
        edits=(
            (
                "pipeline/after.py",
                "VideoStatus.PROCESSING: Word.NOT_YET",
                "VideoStatus.PROCESSING: Word.TAKEN",
            ),
        ),
        tests=("pipeline/test_after.py", "pipeline/test_chores.py", "e2e/test_after.py"),
    ),
    Defect(
        name="stat is not compared, neither around segments nor before publishing",
        edits=(
            (
                "inbox/source.py",
                "    def _compare(self, descriptor: int | None = None) -> None:\n",
                "    def _compare(self, descriptor: int | None = None) -> None:\n        return\n",
            ),
            (
                "pipeline/finalizer.py",
                "            source = await self._parts.open_source(row)\n",
                ("            return row\n            source = await self._parts.open_source(row)\n"),
            ),
        ),
        tests=("inbox/test_source.py", "pipeline/test_attempt.py"),
    ),
    Defect(
        name="a superseded upload leaves its video behind",
        edits=(
            (
                "pipeline/parts.py",
                'note="the file changed", orphan=orphan',
                'note="the file changed", orphan=""',
            ),
        ),
        tests=("pipeline/test_uploader.py", "e2e/test_changes.py"),
    ),
    Defect(
        name="a file that a writer holds is taken",
        edits=(
            (
                "inbox/settle.py",
                "if writer is Writer.WRITING:",
                "if writer is Writer.WRITING and beside.missing:",
            ),
        ),
        tests=("inbox/test_settle.py",),
    ),
    Defect(
        name="a file is taken of which nobody said that it is done",
        edits=(("inbox/settle.py", "if beside.waits_for:", "if beside.waits_for and beside.missing:"),),
        tests=("inbox/test_settle.py", "pipeline/test_sight.py"),
    ),
    Defect(
        name="a file with another checksum than its manifest promises is sent",
        edits=(("inbox/promised.py", "if made.hexdigest() == promise.checksum:", "if promise.checksum:"),),
        tests=("inbox/test_promised.py", "pipeline/test_watcher.py"),
    ),
    Defect(
        name="the upload URL is in the log",
        edits=(
            (
                "pipeline/tidings.py",
                "host=host_of(ticket),\n                number=number,",
                "host=ticket.upload_url,\n                number=number,",
            ),
        ),
        tests=("client/test_secrecy.py", "e2e/test_secrets.py", "pipeline/test_attempt.py"),
    ),
    Defect(
        name="a begun video goes to the account that its folder has now",
        edits=(
            (
                "pipeline/accounts.py",
                "    if row.ticket is not None or row.publish_offered or row.state not in UNFINISHED:",
                "    if row.state not in UNFINISHED:",
            ),
            (
                "pipeline/finalizer.py",
                "        if not admits(self._parts, row, self._finals, self._opened):",
                (
                    "        row = await with_its_account(self._parts, row)\n"
                    "        if not admits(self._parts, row, self._finals, self._opened):"
                ),
            ),
            (
                "pipeline/finalizer.py",
                "import admits, call_of, client_of",
                "import admits, call_of, client_of, with_its_account",
            ),
        ),
        tests=("pipeline/test_accounts.py",),
    ),
    Defect(
        name="the halt of one account holds all",
        edits=(
            (
                "pipeline/brake.py",
                "return bool(self._accounts) and all(",
                "return bool(self._accounts) and any(",
            ),
        ),
        tests=("pipeline/test_brake.py", "pipeline/test_accounts.py"),
    ),
)


def plant(defect: Defect, place: Path) -> None:
    """Copy the package to a place, with the defect in it.

    Raises:
        ValueError: a row no longer fits the code.
    """
    shutil.copytree(PACKAGE, place / "okdrop", ignore=shutil.ignore_patterns("__pycache__"))
    for module, whole, broken in defect.edits:
        source = place / "okdrop" / module
        text = source.read_text()
        if text.count(whole) != 1:
            raise ValueError(f"{defect.name}: the row no longer fits {module}")
        source.write_text(text.replace(whole, broken))


def _run(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(place), str(TESTS))),
        "HYPOTHESIS_PROFILE": "glance",
    }
    return subprocess.run(
        (sys.executable, "-m", *command),
        env=environment,
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def by_tests(defect: Defect, place: Path) -> str:
    """The first test of its parts that fails; "" where none does."""
    targets = [str(TESTS / target) for target in defect.tests]
    run = _run(place, "pytest", "-x", "-q", "--no-header", "-p", "no:xdist", "--timeout", "60", *targets)
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
    return found[1] if found is not None else ("" if run.returncode == 0 else run.stdout[-200:])


def by_storms(place: Path, *, seeds: int) -> str:
    """The first complaint of a storm; "" where none has any."""
    evidence = str(place / "storms")
    arguments = ("--seeds", str(seeds), "--first-failure", "--evidence", evidence)
    run = _run(place, "chaos", *arguments)
    found = re.search(r"FAILED +(seed \d+ \w+).*\n +(.*)", run.stdout)
    return (
        f"{found[1]}: {found[2]}" if found is not None else ("" if run.returncode == 0 else run.stderr[-200:])
    )


def main(given: Sequence[str]) -> int:
    """Exit code 0: each defect is noticed by its tests or by a storm."""
    parser = argparse.ArgumentParser(prog="make planted", description=__doc__)
    parser.add_argument("-k", default="", help="only those with this in their names")
    parser.add_argument("--seeds", type=int, default=8, help="storms of so many seeds, in both modes")
    options = parser.parse_args(given)
    survived = 0
    for defect in DEFECTS:
        if options.k not in defect.name:
            continue
        with tempfile.TemporaryDirectory(prefix="okdrop-planted-") as place:
            plant(defect, Path(place))
            tests, storms = by_tests(defect, Path(place)), by_storms(Path(place), seeds=options.seeds)
        survived += not (tests or storms)
        sys.stdout.write(f"{defect.name}\n  tests:  {tests or '-'}\n  storms: {storms or '-'}\n")
        sys.stdout.flush()
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
