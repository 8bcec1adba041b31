"""Small trees of files, and what `okdrop explain` says of them: `make golden` writes that down anew.

Each case is a folder with a `case.toml`:

    explain   names that are asked about
    [watch]   settings of the folder
    [files]   name → its text, or its size in bytes
    [links]   name → where it leads
    [pipes]   names
    ffprobe   what the program prints; without it, it is switched off

and an `expected.txt`. Every file has one time, nobody writes, and the folder is shown as /srv/drop.
"""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any, Final
from unittest import mock

from okdrop.config import load
from okdrop.explain import explain
from okdrop.inbox.lease import Writer

HERE: Final = Path(__file__).parent
CASES: Final = sorted(path.parent for path in HERE.glob("*/case.toml"))
_WRITTEN: Final = 1_795_780_800_000_000_000


def told(case: Path, place: Path) -> str:
    """Lay the tree out below an empty folder, and ask; the answers one after the other."""
    tree = tomllib.loads((case / "case.toml").read_text("utf-8"))
    drop = place / "drop"
    _lay(tree, drop)
    config = load(
        None,
        {
            "OKDROP_WATCH": json.dumps([{"path": str(drop)} | tree.get("watch", {})]),
            "OKDROP_METADATA__FFPROBE": _program(tree, place),
            "OKDROP_LEDGER__URL": f"sqlite:///{place}/ledger.db",
        },
    )
    answers: list[str] = []
    with mock.patch("okdrop.explain.finishing.look_for_writer", return_value=Writer.NONE):
        for name in tree["explain"]:
            answer = explain(config, os.fsencode(drop / name), None)
            document = answer.as_json()
            programs = {key: document[key] for key in ("sidecars", "remarks")}
            answers.append(f"{answer.as_text()}\n  {json.dumps(programs, ensure_ascii=False)}\n")
    return "\n".join(answers).replace(str(drop), "/srv/drop")


def _lay(tree: dict[str, Any], drop: Path) -> None:
    drop.mkdir()
    for name, content in tree.get("files", {}).items():
        path = drop / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(content) if isinstance(content, int) else content.encode())
        os.utime(path, ns=(_WRITTEN, _WRITTEN))
    for name, target in tree.get("links", {}).items():
        (drop / name).symlink_to(target)
    for name in tree.get("pipes", ()):
        os.mkfifo(drop / name)


def _program(tree: dict[str, Any], place: Path) -> str:
    if "ffprobe" not in tree:
        return ""
    path = place / "ffprobe"
    (place / "answer").write_text(tree["ffprobe"])
    path.write_text(f"#!/bin/sh\ncat '{place}/answer'\n")
    path.chmod(0o755)
    return str(path)


def main() -> None:
    """Write down what is said now; look at the difference before it is committed."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as place:
            (case / "expected.txt").write_text(told(case, Path(place)), "utf-8")


if __name__ == "__main__":
    main()
