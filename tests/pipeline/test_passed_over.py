"""What is passed over by the rules of a folder is told, once."""

from __future__ import annotations

from okdrop import events
from okdrop.pipeline.passed_over import PassedOver
from okdrop.rules import Left, Rule

LARGE = Left(rule=Rule.MAX_SIZE, reason="it has 9 bytes, more than 8")
OLD = Left(rule=Rule.MAX_AGE, reason="it is 9 s old, older than 8 s")


def test_each_file_is_told_once_for_each_rule() -> None:
    told: list[events.Event] = []
    over = PassedOver(told.append, "/drop")
    for left in (LARGE, LARGE, OLD):
        over.tell({b"/drop/a.mp4": left})
    assert told == [
        events.FilePassedOver(path="/drop/a.mp4", folder="/drop", rule=one.rule.value, reason=one.reason)
        for one in (LARGE, OLD)
    ]


def test_what_a_whole_scan_did_not_see_is_forgotten() -> None:
    told: list[events.Event] = []
    over = PassedOver(told.append, "/drop")
    over.tell({b"/drop/a.mp4": LARGE, b"/drop/b.mp4": LARGE})
    over.scanned()
    over.tell({b"/drop/a.mp4": LARGE})
    over.scanned()
    over.tell({b"/drop/a.mp4": LARGE, b"/drop/b.mp4": LARGE})
    assert [one.path for one in told if isinstance(one, events.FilePassedOver)] == [
        "/drop/a.mp4",
        "/drop/b.mp4",
        "/drop/b.mp4",
    ]
