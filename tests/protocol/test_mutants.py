"""Planted defects of the upload session: each must be caught by the session's own tests.

A test that cannot fail proves nothing. Here each row breaks one thought of the session in a copy of the
package, and the tests are run against that copy. docs/testing.md lists the rows.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import okdrop

TESTS = Path(__file__).parent.parent
PACKAGE = Path(okdrop.__file__).parent


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One defect: in `module`, the text `whole` (there exactly once) becomes `broken`."""

    name: str
    module: str
    whole: str
    broken: str


MUTANTS = [
    Mutant(
        "a lost answer is not asked about, its segment is sent again",
        "belief.py",
        "        self.doubtful |= lost\n        self._lost_since |= lost\n",
        "",
    ),
    Mutant(
        "an account settles what was lost after it was asked for",
        "belief.py",
        "self.doubtful = self._lost_since - self.held",
        "self.doubtful = NOTHING",
    ),
    Mutant(
        "a stale account takes back what was acknowledged since",
        "belief.py",
        "self.held = said | self._acknowledged_since",
        "self.held = said",
    ),
    Mutant(
        "an account that lacks acknowledged bytes is believed",
        "belief.py",
        "if not said.contains(self._held_when_probed):",
        "if False:",
    ),
    Mutant(
        "an account that names bytes never sent is believed",
        "belief.py",
        "if self._offers_known and not self.offered.contains(said):",
        "if False:",
    ),
    Mutant(
        "spans in flight are handed out again",
        "belief.py",
        "(self.held | self.doubtful | ByteRanges.of(self._in_flight))",
        "(self.held | self.doubtful)",
    ),
    Mutant(
        "a 200 is believed though bytes are missing",
        "session.py",
        "if belief.missing or belief.doubtful:",
        "if False:",
    ),
    Mutant(
        "a 200 counts for what is handed out after it",
        "session.py",
        "            self._final = False\n            steps",
        "            steps",
    ),
    Mutant(
        "published without a 200 and without asking",
        "session.py",
        "(belief.whole and belief.idle and (self._final or belief.confirmed_whole))",
        "(belief.whole and belief.idle)",
    ),
    Mutant(
        "a resumed upload trusts nothing was sent, and asks nobody",
        "session.py",
        "            self._unsure = True\n            self._told",
        "            self._told",
    ),
    Mutant(
        "a dead URL gets a new ticket though every byte was offered",
        "session.py",
        "self._closing = AskVideo() if self.offered_all else dead".replace("AskVideo", "m.AskVideo"),
        "self._closing = dead",
    ),
    Mutant(
        "several connections without a canary",
        "session.py",
        "self.mode = Mode.SEQUENTIAL if self._sequential_next else prior",
        "self.mode = Mode.SEQUENTIAL if self._sequential_next else prior or Mode.PARALLEL",
    ),
    Mutant(
        "sequential mode sends several at once",
        "session.py",
        "if not belief.idle or belief.doubtful:",
        "if belief.in_flight > 1:",
    ),
    Mutant(
        "a canary stored elsewhere counts as proof",
        "session.py",
        'self._learned(Mode.SEQUENTIAL, f"took',
        'self._learned(Mode.PARALLEL, f"took',
    ),
    Mutant(
        "tickets without end",
        "tickets.py",
        "if self.tickets >= TICKETS_PER_REVISION:",
        "if False:",
    ),
    Mutant(
        "a new ticket while segments of the old one are out",
        "session.py",
        "return self._close() if self._belief.idle else []",
        "return self._close()",
    ),
    Mutant(
        "the account is asked for again before everything landed",
        "session.py",
        "return not (self._misfit and belief.in_flight)",
        "return True",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_planted_defect_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    broken = tmp_path / "okdrop"
    shutil.copytree(PACKAGE / "protocol", broken / "protocol", ignore=shutil.ignore_patterns("__pycache__"))
    for module in ("__init__.py", "errors.py", "drop.py"):
        shutil.copy(PACKAGE / module, broken / module)
    source = broken / "protocol" / mutant.module
    text = source.read_text()
    assert text.count(mutant.whole) == 1, "the row no longer fits the code"
    source.write_text(text.replace(mutant.whole, mutant.broken))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--timeout", "60", "-p", "no:xdist"),
            *(
                str(TESTS / "protocol" / "test_session.py"),
                str(TESTS / "protocol" / "test_session_machine.py"),
            ),
        ],
        env=os.environ | {"PYTHONPATH": str(tmp_path), "HYPOTHESIS_PROFILE": "glance"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, f"survived:\n{run.stdout[-2000:]}{run.stderr[-2000:]}"
