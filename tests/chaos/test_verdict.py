"""Each law of the verdict can be broken: fabricated accounts that it has to complain about."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest

from chaos import draw, plan, verdict
from chaos.facts import Aimed, Content, Facts, Lying, Row, Vanished

DROP = b"/drop"
SIZE = 20_000


def content(word: str = "a clip", size: int = SIZE) -> Content:
    data = (word.encode() * size)[:size]
    return Content(sha256=hashlib.sha256(data).hexdigest(), data=data)


CLIP = content()
OTHER = content("another clip")


def account(number: int = 1, what: Content = CLIP, **changes: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "name": "clip.mp4",
        "size": what.size,
        "sha256": what.sha256,
        "whole": True,
        "published": True,
        "deleted": False,
        "status": "OK",
        "received": what.size,
        "held_bytes_resent": 0,
        "requests": [],
        "upload_url": "http://127.0.0.1/upload.do?sig=abc%2Fdef",
    } | changes


def row(number: int = 1, **changes: Any) -> Row:
    whole = {"id": number, "path": DROP + b"/clip.mp4", "size": SIZE, "state": "published"}
    return Row(**(whole | {"video_id": str(number)} | changes))


def lying(what: Content = CLIP, *, kept: bool = False, name: bytes = b"clip.mp4") -> Lying:
    return Lying(kept=kept, name=name, sha256=what.sha256, size=what.size)


GOOD = Facts(
    schedule=dataclasses.replace(draw.schedule(0, "parallel"), after="keep"),
    drop=DROP,
    expected={b"clip.mp4": CLIP},
    complete=frozenset({CLIP.sha256, OTHER.sha256}),
    accounts=(account(),),
    rows=(row(),),
    lying=(lying(),),
    secrets={"the token": "hush"},
    output="nothing is told",
)


def facts(*, after: str = "keep", **changes: Any) -> Facts:
    return dataclasses.replace(GOOD, schedule=dataclasses.replace(GOOD.schedule, after=after), **changes)


def unfinished(**changes: Any) -> dict[str, Any]:
    return account(2, published=False, whole=False, sha256="", status="UPLOADING", **changes)


LIE = plan.Strike(fault="status_form", values=(("times", 1), ("form", "empty")), aim="sending")
HONEST = plan.Strike(fault="lost_answer", values=(("times", 3),))


def request(method: str, began: float, at: float, span: tuple[int, int], status: int) -> dict[str, Any]:
    first, stop = span
    return {
        "method": method,
        "began": began,
        "at": at,
        "content_range": f"bytes {first}-{stop - 1}/{SIZE}" if stop else "",
        "received": stop - first,
        "status": status,
    }


LATE = [
    request("POST", 1.0, 3.0, (0, 1000), 0),
    request("GET", 2.0, 2.0, (0, 0), 200),
    request("POST", 4.0, 5.0, (900, 2000), 201),
]

WELL: dict[str, Facts] = {
    "a file that is kept": GOOD,
    "one that moved": facts(
        after="move",
        lying=(lying(kept=True),),
        vanished=(Vanished(name=b"clip.mp4", sha256=CLIP.sha256, published=True, confirmed=False),),
    ),
    "one that was deleted": facts(
        after="delete",
        lying=(),
        vanished=(Vanished(name=b"clip.mp4", sha256=CLIP.sha256, published=True, confirmed=True),),
    ),
    "an old revision that was whole": facts(
        accounts=(account(), account(2, OTHER)), rows=(row(), row(2, path=DROP + b"/old.mp4"))
    ),
    "a file that is too small": facts(
        expected={b"clip.mp4": CLIP, b"small.mp4": content("s", 10)},
        lying=(lying(), lying(content("s", 10), name=b"small.mp4")),
    ),
    "an orphan that waits": facts(accounts=(account(), unfinished()), orphans=frozenset({"2"})),
    "a ticket whose answer a kill took": facts(accounts=(account(), unfinished(received=0)), answers_lost=1),
    "held bytes after a lie": facts(
        accounts=(account(held_bytes_resent=SIZE),), aimed=(Aimed(video="1", strike=LIE),)
    ),
    "bytes that came late": facts(accounts=(account(held_bytes_resent=100, requests=LATE),)),
    "a file that may be away": facts(rows=(row(), row(2, state="uploading", last_trouble="source_away"))),
    "a video that OK refused": facts(rows=(row(state="failed", code="video_error"),)),
    "a copy of what OK refused": facts(
        accounts=(account(), account(2)), rows=(row(state="failed", code="video_error"), row(2))
    ),
    "a touched file that stays": facts(after="delete", touched=frozenset({b"clip.mp4"})),
    "a duplicate that stays": facts(after="delete", rows=(row(), row(2, state="duplicate", video_id=""))),
}

ILL: dict[str, tuple[Facts, str]] = {
    "never published": (facts(accounts=(), rows=()), "published 0 times"),
    "published twice": (facts(accounts=(account(), account(2)), rows=(row(), row(2))), "published 2 times"),
    "refused twice": (
        facts(
            accounts=(account(), account(2)),
            rows=(row(state="failed", code="video_error"), row(2, state="failed", code="video_error")),
        ),
        "published 2 times",
    ),
    "published, then deleted": (facts(accounts=(account(deleted=True),)), "published 0 times"),
    "another content": (facts(accounts=(account(what=content("x")),)), "no file ever held that"),
    "half a content": (facts(accounts=(account(whole=False, sha256=""),)), "no file ever held that"),
    "an old revision twice": (
        facts(accounts=(account(), account(2, OTHER), account(3, OTHER)), rows=(row(), row(2), row(3))),
        "its bytes are published already",
    ),
    "gone though kept": (
        facts(vanished=(Vanished(name=b"a", sha256="", published=True, confirmed=True),)),
        "gone, though files are kept",
    ),
    "moved too early": (
        facts(
            after="move",
            lying=(lying(kept=True),),
            vanished=(Vanished(name=b"clip.mp4", sha256=CLIP.sha256, published=False, confirmed=False),),
        ),
        "put away before it was published",
    ),
    "deleted too early": (
        facts(
            after="delete",
            lying=(),
            vanished=(Vanished(name=b"clip.mp4", sha256=CLIP.sha256, published=True, confirmed=False),),
        ),
        "deleted before OK confirmed it",
    ),
    "not in its place": (facts(lying=()), "not in its place"),
    "other bytes in its place": (facts(lying=(lying(OTHER),)), "not in its place"),
    "not moved": (facts(after="move"), "still in its place"),
    "not deleted": (facts(after="delete"), "still in its place"),
    "lost on the way": (facts(after="move", lying=()), "neither in its place nor"),
    "half put away": (facts(lying=(lying(), lying(name=b".okdrop-caught-1"))), "half put away"),
    "moved and unpublished": (
        facts(after="move", lying=(lying(kept=True), lying(OTHER, kept=True))),
        "moved, and not published",
    ),
    "held bytes sent again": (
        facts(accounts=(account(held_bytes_resent=1),)),
        "1 held bytes sent again, 0 allowed",
    ),
    "held bytes after a fault that tells the truth": (
        facts(accounts=(account(held_bytes_resent=1),), aimed=(Aimed(video="1", strike=HONEST),)),
        "0 allowed",
    ),
    "held bytes of another video than was lied about": (
        facts(accounts=(account(held_bytes_resent=1),), aimed=(Aimed(video="2", strike=LIE),)),
        "0 allowed",
    ),
    "more than the lie hid": (
        facts(accounts=(account(held_bytes_resent=SIZE + 1),), aimed=(Aimed(video="1", strike=LIE),)),
        f"{SIZE} allowed",
    ),
    "more than came late": (
        facts(accounts=(account(held_bytes_resent=101, requests=LATE),)),
        "100 allowed",
    ),
    "litter": (facts(accounts=(account(), unfinished())), "neither published nor deleted"),
    "more tickets lost than answers": (
        facts(accounts=(account(), unfinished(received=0))),
        "1 tickets lost, where 0",
    ),
    "a secret": (facts(output="the token is hush"), "the token is in the output"),
    "a video without a row": (facts(rows=()), "no row says so"),
    "a row without a video": (facts(rows=(row(), row(2))), "row 2: published by the ledger"),
    "two rows of one video": (facts(rows=(row(), row(2, video_id="1"))), "shares video 1"),
    "a row that failed, of a published video": (facts(rows=(row(state="failed", code="http_5"),)), "no row"),
    "still on its way": (facts(rows=(row(), row(2, state="finalizing"))), "still finalizing"),
    "failed for nothing": (facts(rows=(row(), row(2, state="failed"))), "without a reason"),
    "not filed": (facts(rows=(row(chore="delete"),)), "delete is not done"),
    "a crash": (facts(wrongs=("the daemon ended with 1",)), "ended with 1"),
}


@pytest.mark.parametrize("name", WELL)
def test_what_is_well_has_no_complaint(name: str) -> None:
    assert verdict.judge(WELL[name]) == []


@pytest.mark.parametrize("name", ILL)
def test_what_is_ill_is_seen(name: str) -> None:
    found, complaint = ILL[name]
    assert any(complaint in each for each in verdict.judge(found)), verdict.judge(found)


def test_every_law_is_seen_to_complain() -> None:
    silent = [law.__name__ for law in verdict.LAWS if not any(any(law(found)) for found, _ in ILL.values())]
    assert silent == []


@pytest.mark.parametrize(
    "requests",
    [
        # A lost answer, and nobody asked: this is what must never be excused.
        [
            request("GET", 0.5, 0.5, (0, 0), 200),
            request("POST", 1.0, 3.0, (0, 1000), 0),
            request("POST", 4.0, 5.0, (0, 1000), 201),
        ],
        # Asked before it began, and asked again after it ended.
        [*LATE[:2], request("GET", 3.5, 3.5, (0, 0), 200), LATE[2]],
        # Nobody asked at all.
        [LATE[0], LATE[2]],
        # It was answered.
        [LATE[0] | {"status": 201}, *LATE[1:]],
    ],
)
def test_bytes_that_somebody_could_know_of_are_not_late(requests: list[dict[str, Any]]) -> None:
    assert verdict.late_bytes(requests) == 0


def test_a_segment_that_leaves_beside_a_question_knows_only_the_answer_before() -> None:
    beside = [*LATE[:2], request("GET", 3.9, 3.9, (0, 0), 200), LATE[2]]
    assert verdict.late_bytes(beside) == verdict.late_bytes(LATE) > 0


def test_an_answer_that_is_late_says_what_was_held_when_it_was_made() -> None:
    """The connection was cut between the question and its answer."""
    late_answer = [LATE[0], request("GET", 2.9, 3.9, (0, 0), 200), LATE[2]]
    assert verdict.late_bytes(late_answer) == verdict.late_bytes(LATE)
