"""The verdict on a storm: pure functions from facts to complaints; no complaint is the only good verdict.

What the daemon says of itself counts only where it has to agree with the emulator's account and the files.
"""

from __future__ import annotations

import collections
import os
import re
from typing import TYPE_CHECKING, Any, Final

from chaos import weather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from chaos.facts import Content, Facts, Row

SMALLEST: Final = 16 * 1024
UNFINISHED: Final = frozenset({"queued", "uploading", "finalizing"})
STAYS_IN_PLACE: Final = frozenset({"failed", "duplicate"})
HIDDEN: Final = b".okdrop-"

BESIDE: Final = 0.25
"""Seconds from a question's arrival to that of a segment that left with it, at most, on a busy machine."""


def judge(facts: Facts) -> list[str]:
    """Every complaint there is."""
    return [complaint for law in LAWS for complaint in law(facts)]


def visible(facts: Facts) -> list[Mapping[str, Any]]:
    """The videos that people can see."""
    return [account for account in facts.accounts if account["published"] and not account["deleted"]]


def standing(facts: Facts) -> list[Mapping[str, Any]]:
    """Those of the visible videos that count as publications.

    One that OK refused afterwards is none where the same bytes have another: a copy that was found after the
    refusal is tried on its own.
    """
    refused = {row.video_id for row in facts.rows if _is_refused(row)}
    well = {account["sha256"] for account in visible(facts) if account["id"] not in refused}
    return [
        account for account in visible(facts) if account["id"] not in refused or account["sha256"] not in well
    ]


def every_file_is_published_once(facts: Facts) -> Iterator[str]:
    """What users left in the end is one video, byte for byte."""
    times = collections.Counter(account["sha256"] for account in standing(facts))
    for name, content in facts.expected.items():
        if content.size >= SMALLEST and times[content.sha256] != 1:
            yield f"{name!r}: published {times[content.sha256]} times"


def nothing_else_is_published(facts: Facts) -> Iterator[str]:
    """Each video is a content that some file had while nobody wrote to it, and no content has two."""
    times: collections.Counter[str] = collections.Counter()
    for account in standing(facts):
        digest = account["sha256"]
        times[digest] += 1
        if not account["whole"] or digest not in facts.complete:
            yield f"video {account['id']} ({account['name']}): published, and no file ever held that"
        elif times[digest] > 1:
            yield f"video {account['id']} ({account['name']}): its bytes are published already"


def no_source_is_touched_before_its_publication(facts: Facts) -> Iterator[str]:
    """A file leaves the folder only once it is published, and is deleted only once OK confirmed it."""
    after = facts.schedule.after
    for gone in facts.vanished:
        if after == "keep":
            yield f"{gone.name!r}: gone, though files are kept"
        elif not gone.published:
            yield f"{gone.name!r}: put away before it was published"
        elif after == "delete" and not gone.confirmed:
            yield f"{gone.name!r}: deleted before OK confirmed it"


def sources_are_where_they_should_be(facts: Facts) -> Iterator[str]:
    """Kept in place, moved, or deleted, as the folder says; nothing half put away is left."""
    here = {lying.name: lying.sha256 for lying in facts.lying if not lying.kept}
    moved = {lying.sha256 for lying in facts.lying if lying.kept}
    after = facts.schedule.after
    for name, content in facts.expected.items():
        lies = here.get(name) == content.sha256
        if after == "keep" and not lies:
            yield f"{name!r}: not in its place"
        elif after != "keep" and lies and not _may_stay(facts, name, content):
            yield f"{name!r}: published, and still in its place"
        elif after == "move" and not lies and content.sha256 not in moved:
            yield f"{name!r}: neither in its place nor where it should move"
    for lying in facts.lying:
        if HIDDEN in lying.name:
            yield f"{lying.name!r}: left half put away"


def nothing_moved_is_unpublished(facts: Facts) -> Iterator[str]:
    """What lies where published files go is published."""
    known = {account["sha256"] for account in visible(facts)} | facts.overtaken
    for lying in facts.lying:
        if lying.kept and lying.sha256 not in known:
            yield f"{lying.name!r}: moved, and not published"


def _may_stay(facts: Facts, name: bytes, content: Content) -> bool:
    """A file that OK refused, that is too small, touched or renamed since is left alone (docs/after.md)."""
    row = _newest_row(facts, name)
    return (
        content.size < SMALLEST
        or name in facts.renamed
        or name in facts.touched
        or (row is not None and row.state in STAYS_IN_PLACE)
    )


def _newest_row(facts: Facts, name: bytes) -> Row | None:
    path = os.path.join(facts.drop, name)
    rows = [row for row in facts.rows if row.path == path]
    return max(rows, key=lambda row: row.id, default=None)


def no_held_byte_is_sent_again(facts: Facts) -> Iterator[str]:
    """None, but what the host left out of its account of this very video, or got after it gave it."""
    allowed: collections.Counter[str] = collections.Counter()
    sizes = {account["id"]: account["size"] for account in facts.accounts}
    for aimed in facts.aimed:
        allowed[aimed.video] += weather.cost(
            aimed.strike, mode=facts.schedule.mode, size=sizes.get(aimed.video, 0)
        )
    for account in facts.accounts:
        again, most = account["held_bytes_resent"], allowed[account["id"]] + late_bytes(account["requests"])
        if again > most:
            yield f"video {account['id']} ({account['name']}): {again} held bytes sent again, {most} allowed"


def late_bytes(requests: Sequence[Mapping[str, Any]]) -> int:
    """How many bytes a cut connection still brought after the host had told what it holds.

    A connection whose sender is gone holds what the kernel had taken. The host reads that when it comes to
    it, and whoever asked before sends it again: neither could know. Excused is only what a request brought
    that was under way when the host was asked for the last time before the bytes were sent again. A segment
    may leave beside a question, and knows only the answer before that: then it is the time before.
    """
    asked = sorted((one["at"], one["began"]) for one in requests if one["method"] == "GET")
    return sum(
        max((_brought_after(one, span, requests) for one in _known(asked, again["began"])), default=0)
        for again in requests
        if (span := _span(again)) is not None
    )


def _known(asked: Sequence[tuple[float, float]], began: float) -> Sequence[tuple[float, float]]:
    """The questions whose answers a segment may know that began then: the last, perhaps the one before."""
    before = [(at, since) for at, since in asked if at <= began]
    return before[-2:] if before and began - before[-1][0] < BESIDE else before[-1:]


def _brought_after(
    question: tuple[float, float], span: tuple[int, int], requests: Sequence[Mapping[str, Any]]
) -> int:
    """How many bytes of a span the requests may have brought that were under way at a question.

    Its answer says what the host held when it was made, at any moment from the question on.
    """
    answered, asked = question
    return sum(
        _shared(span, (cut[0], cut[0] + request["received"]))
        for request in requests
        if request["status"] == 0
        and request["began"] <= answered
        and asked <= request["at"]
        and (cut := _span(request)) is not None
    )


def _shared(one: tuple[int, int], other: tuple[int, int]) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _span(request: Mapping[str, Any]) -> tuple[int, int] | None:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/\d+", request["content_range"])
    return None if found is None else (int(found[1]), int(found[2]) + 1)


def known_to_the_ledger(facts: Facts) -> frozenset[str]:
    """Video ids that wait for something: their deletion, another try, a person."""
    waiting = UNFINISHED | {"failed", "cancelled", "published"}
    return facts.orphans | {row.video_id for row in facts.rows if row.state in waiting}


def lost_tickets(facts: Facts) -> list[Mapping[str, Any]]:
    """Videos that nobody knows of, and nobody ever sent a byte to: their answer never came."""
    return [account for account in _litter(facts) if not account["received"]]


def _litter(facts: Facts) -> list[Mapping[str, Any]]:
    known = known_to_the_ledger(facts)
    return [
        account
        for account in facts.accounts
        if not account["published"] and not account["deleted"] and account["id"] not in known
    ]


def no_litter(facts: Facts) -> Iterator[str]:
    """What is not published is deleted at OK's side, or waits; but for tickets whose answer was lost."""
    for account in _litter(facts):
        if account["received"]:
            yield f"video {account['id']} ({account['name']}): neither published nor deleted, and forgotten"
    if (lost := len(lost_tickets(facts))) > facts.answers_lost:
        yield f"{lost} tickets lost, where {facts.answers_lost} answers can have been"


def no_secret_is_told(facts: Facts) -> Iterator[str]:
    """Neither a token nor a signature, in any output, note or message."""
    for name, secret in facts.secrets.items():
        if secret in facts.output:
            yield f"{name} is in the output"


def the_ledger_agrees(facts: Facts) -> Iterator[str]:
    """Each published video has its row, and each published row its video."""
    shown = {account["id"] for account in visible(facts)}
    owners = collections.Counter(row.video_id for row in facts.rows if row.video_id)
    told = {row.video_id for row in facts.rows if row.state == "published" or _is_refused(row)}
    for video in sorted(shown - told):
        yield f"video {video} is published, and no row says so"
    for row in facts.rows:
        if row.state == "published" and row.video_id not in shown:
            yield f"row {row.id}: published by the ledger, and not at OK"
        if owners[row.video_id] > 1:
            yield f"row {row.id}: shares video {row.video_id}"


def _is_refused(row: Row) -> bool:
    return row.state == "failed" and row.code.startswith("video_")


def every_row_is_at_an_end(facts: Facts) -> Iterator[str]:
    """Or waits with a reason: a file that may be away with its disk; a video OK has not decided about."""
    for row in facts.rows:
        if row.state in UNFINISHED and row.last_trouble != "source_away":
            yield f"row {row.id}: still {row.state}, after {row.last_trouble or 'nothing'}"
        if row.state == "failed" and not row.code:
            yield f"row {row.id}: failed without a reason"
        if row.chore in {"move", "delete"}:
            yield f"row {row.id}: {row.chore} is not done"


def all_went_as_it_should(facts: Facts) -> Iterator[str]:
    """What was seen on the way."""
    yield from facts.wrongs


LAWS: Final[tuple[Callable[[Facts], Iterator[str]], ...]] = (
    every_file_is_published_once,
    nothing_else_is_published,
    no_source_is_touched_before_its_publication,
    sources_are_where_they_should_be,
    nothing_moved_is_unpublished,
    no_held_byte_is_sent_again,
    no_litter,
    no_secret_is_told,
    the_ledger_agrees,
    every_row_is_at_an_end,
    all_went_as_it_should,
)
