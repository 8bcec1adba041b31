from __future__ import annotations

from typing import Any

import pytest

from okdrop.top.unfinished import NAMED, Unfinished, lines, unfinished_of
from top.making import HOSTILE, waiting_document


def test_a_few_are_named_and_the_others_counted() -> None:
    names = tuple(f"{number}.mp4" for number in range(NAMED + 1))
    told = [*lines(unfinished_of(waiting_document(names, count=1234)))]
    assert told[0] == "1,234 files not finished yet:"
    assert told[1] == "  /srv/drop/0.mp4: its end is missing, for 1:15"
    assert told[-1] == f"  and {1234 - NAMED:,} more"
    assert len(told) == NAMED + 2


def test_one_is_one_and_none_is_no_word() -> None:
    assert [*lines(unfinished_of(waiting_document(("half.mp4",))))] == [
        "1 file not finished yet:",
        "  /srv/drop/half.mp4: its end is missing, for 1:15",
    ]
    assert not [*lines(Unfinished())]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_can_steer_a_terminal(name: str) -> None:
    (file,) = unfinished_of(waiting_document((name,))).files
    assert file.path.isprintable()
    assert file.path.startswith("/srv/drop/")
    file.path.encode()


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"count": 1},
        {"count": "many", "files": []},
        {"count": 1, "files": [{}]},
        {"count": 1, "files": 1},
    ],
)
def test_what_no_daemon_would_say_is_refused(document: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        unfinished_of(document)
