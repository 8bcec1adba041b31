"""Tells OK what it is still to be told of published videos: that one is public now, other words, a cover.

What is owed stands in the row, with the time from which on it is due (`okdrop.publication`), and is asked of
the ledger once a second (`pipeline.owed`): an order of another process, a time that came while this machine
was asleep, and what a crash left are all found in the one way. Each step is one video.update, which may be
repeated, and one write that notes it. A cover goes alone and last: what OK says against it is said of nothing
else.

Trouble here never changes the state of an upload. It is tried again after growing pauses, or given up and
said.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from okdrop import events
from okdrop.drop import State
from okdrop.errors import GaveUp, Halted, TicketDead, Trouble, UploadError
from okdrop.inbox.beside import Beside
from okdrop.ledger import StaleVersion
from okdrop.pipeline import covers, telling
from okdrop.pipeline.accounts import call_of, client_of, clock_skew, now_by_ok
from okdrop.pipeline.after import patient
from okdrop.pipeline.describing import Describing
from okdrop.pipeline.owed import Owed
from okdrop.protocol.photos import Photo
from okdrop.protocol.verdicts import LACKS_PERMISSION
from okdrop.publication import Cover, CoverState, Draft, Renew

if TYPE_CHECKING:
    from datetime import datetime

    from okdrop.drop import Upload
    from okdrop.metadata import Metadata
    from okdrop.pipeline.parts import Parts
    from okdrop.publication import Publication

LOOK_EVERY: Final = 1.0
"""Seconds between looks at what is due."""

MEND_EVERY: Final = 3600.0
"""Seconds after which times of a clock that ran ahead are looked for, though none was seen to be set back."""


class Teller:
    """Goes on by what the ledger says is due.

    Args:
        parts: what all stages share.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._owed: Final = Owed(parts, self.tell)
        self._tries: Final[dict[int, tuple[str, int]]] = {}  # → of which trouble, how often in a row
        self._brought: Final[set[int]] = set()  # whose image OK got in this life
        self._describing: Final = Describing(parts)
        self._beside: Final[dict[int, bytes]] = {}  # what lay there at the look that is being told of
        self._latest = parts.now()  # that the clock was seen to say
        self._mended_at = -math.inf

    async def run(self) -> None:
        """Stay, and tell what is due; ends when cancelled."""
        while await self._parts.brake.wait_until_free():
            await self._mend_if_set_back()
            if not await self.round():
                await asyncio.sleep(LOOK_EVERY)

    async def run_to_the_end(self) -> None:
        """Tell what is due now, each once; what cannot be told is left to the next run."""
        await self.mend_times()
        await self._owed.to_the_end()

    async def round(self) -> bool:
        """Tell of a few that are due; returns whether anything came of it."""
        return await self._owed.round()

    async def _mend_if_set_back(self) -> None:
        """Look for times of a clock that ran ahead: at the start, when it was set back, and now and then."""
        now, clock = self._parts.now(), self._parts.monotonic()
        if now < self._latest or clock - self._mended_at >= MEND_EVERY:
            await self.mend_times()
            self._mended_at = clock
        self._latest = now

    async def mend_times(self) -> None:
        """Where a time was noted by a clock that ran ahead, wait as long as was meant."""
        for number in await self._parts.ledger.told_by_a_clock_ahead(self._parts.now()):
            row = await self._parts.ledger.get(number)
            if row is not None:
                with contextlib.suppress(StaleVersion):
                    await self._parts.ledger.write(row.with_(publication=_mended(row, self._parts.now())))

    # --- one upload -----------------------------------------------------------------------------------

    async def tell(self, number: int) -> bool:
        """Tell all that is due of one upload, step by step, until it is done or meets trouble.

        Returns:
            Whether anything was told.
        """
        is_told = False
        with contextlib.suppress(StaleVersion):  # somebody else wrote the row: it is read anew, if it is due
            while await self._step(number):
                self._tries.pop(number, None)
                is_told = True
        self._parts.breakers.leave(number)
        self._describing.forget(number)
        self._beside.pop(number, None)
        return is_told

    async def _step(self, number: int) -> bool:
        """One call and its note; returns whether to go on."""
        row = await self._parts.ledger.get(number)
        if row is None or row.publication.tell_at is None:
            return False
        if row.state is not State.PUBLISHED or row.ticket is None:
            await self._note(row, row.publication.nothing_owed())
            return False
        publication = row.publication
        is_early = publication.tell_at is None or publication.tell_at > self._parts.now()
        if is_early or self._owed.holds(row):
            return False
        if self._is_early_by_ok(publication):
            await self._note(row, publication.with_(tell_at=self._by_our_clock(publication)))
            return False
        try:
            if self._is_released(publication) or publication.renew is not None:
                await self._amend(row)
            else:
                await self._cover(row)
        except UploadError as error:
            await self._refused(number, error)
            return False
        return True

    async def _note(self, row: Upload, publication: Publication, note: str = "") -> Upload:
        return await self._parts.ledger.write(row.with_(publication=publication), note=note)

    # --- words, and who sees them ---------------------------------------------------------------------

    async def _amend(self, row: Upload) -> None:
        publication, renew = row.publication, row.publication.renew
        beside = None
        if renew is not None:
            beside = await telling.beside_of(self._parts, row, always=renew is Renew.ASKED)
        seen, note = self._as_seen(row, beside), ""
        news: list[events.Event] = []
        is_image = renew is Renew.BESIDE and not _has_new_texts(beside, publication)
        if self._is_released(publication) or not is_image:
            seen, note, news = await self._tell_words(row, seen, beside)
        await self._note(row, seen.due(self._parts.now()), note)
        for event in news:
            self._parts.emit(event)

    async def _tell_words(
        self, row: Upload, seen: Publication, beside: bytes | None
    ) -> tuple[Publication, str, list[events.Event]]:
        """Tell OK the words, and who may see it; returns what is to be noted, and what is to be said."""
        publication, released = row.publication, self._is_released(row.publication)
        metadata, note = await self._wanted(row, beside)
        if publication.renew is Renew.BESIDE and telling.was_for_friends(publication.told):
            # A text of today may be another recording's, and a folder may say otherwise since: nobody asked.
            narrowed = telling.for_friends(metadata)
            note = note if narrowed is metadata else "; ".join(filter(None, (note, telling.STAYS_UNASKED)))
            metadata = narrowed
        is_new = not telling.is_as_told(metadata, publication.told)
        draft = self._draft_of(row, metadata)
        if is_new or released:
            await self._update(row, metadata, draft=draft["draft"] is not None)
        fingerprint = telling.fingerprint_of(metadata) if is_new else publication.told
        told = seen.with_(**draft, told=fingerprint, words=telling.words_of(metadata))
        video_id = row.ticket.video_id if row.ticket is not None else ""
        news: list[events.Event] = []
        if released:
            news.append(events.VideoReleased(upload=row.id, video_id=video_id))
        if is_new:
            news.append(events.VideoUpdated(upload=row.id, video_id=video_id))
        return told, "; ".join(filter(None, (_words_for(released=released, is_new=is_new), note))), news

    async def _wanted(self, row: Upload, beside: bytes | None = None) -> tuple[Metadata, str]:
        """The metadata to be told, and who said it.

        What was told before is told again, unless a person wants it anew, or a text beside the file changed:
        neither a template that was changed since nor a text that is gone renames anything.

        Args:
            row: the upload.
            beside: what lies beside the file, where that was looked at.
        """
        publication, renew = row.publication, row.publication.renew
        is_anew = renew is Renew.ASKED or (renew is Renew.BESIDE and _has_new_texts(beside, publication))
        if publication.words and not is_anew:
            return telling.recalled(publication.words), ""
        if beside is not None:
            self._beside[row.id] = beside
        described = await self._describing.describe(row)
        return described.metadata, described.note

    def _draft_of(self, row: Upload, metadata: Metadata) -> dict[str, Any]:
        """Whether friends alone see it then, and until when; nothing passes them by that was theirs alone."""
        publication = row.publication
        if self._is_released(publication):
            return {"draft": None, "public_at": None}
        posting = self._parts.posting_of(row.drop)
        if (
            publication.draft is None
            and posting.is_draft(metadata)
            and telling.was_for_friends(publication.told)
        ):
            return {"draft": Draft.FRIENDS, "public_at": posting.public_at(now_by_ok(self._parts))}
        return {"draft": publication.draft, "public_at": publication.public_at}

    def _as_seen(self, row: Upload, beside: bytes | None) -> Publication:
        """The publication once what lies beside the file is heeded; an image becomes due by that."""
        publication = row.publication.with_(renew=None, cover=self._cover_by(row, beside))
        if beside is None:
            return publication
        if row.publication.renew is Renew.BESIDE:
            # What is gone changes nothing, and so it has changed nothing when it is back.
            before = Beside.of(publication.beside or b"")
            beside = bytes(Beside.of(beside).with_what_is_gone(before))
        return publication.with_(beside=beside)

    def _cover_by(self, row: Upload, beside: bytes | None) -> Cover | None:
        """The cover, due anew where another image lies beside the file, or a person wants it tried again."""
        publication = row.publication
        cover, now = publication.cover, Beside.of(beside or b"")
        if not now.has_images or not self._parts.posting_of(row.drop).cover:
            return cover
        wanted = cover is None or cover.state is CoverState.REFUSED
        if publication.beside is not None and now.has_new_images(Beside.of(publication.beside)):
            is_due = True
        else:
            is_due = wanted and publication.renew is Renew.ASKED
        return Cover(state=CoverState.DUE) if is_due else cover

    async def _update(self, row: Upload, metadata: Metadata, *, draft: bool, cover: Any = None) -> None:
        if row.ticket is None:
            return
        with self._parts.breakers.calling(row.id, call_of(self._parts, row.account)):
            await client_of(self._parts, row.account).update(
                row.ticket.video_id, **telling.as_told(metadata, draft=draft), cover=cover, empties=True
            )

    # --- the cover ------------------------------------------------------------------------------------

    async def _cover(self, row: Upload) -> None:
        cover = row.publication.cover if row.publication.wants_cover else None
        if cover is None or not self._parts.posting_of(row.drop).cover:
            none = row.publication if cover is None else row.publication.with_(cover=None)
            await self._note(row, none.due(self._parts.now()))
            return
        if cover.state is CoverState.DUE:
            photo = await covers.bring(self._parts, row)
            self._brought.add(row.id)
            # Before it is told: whoever comes after a crash need not bring it again.
            held = Cover(state=CoverState.HELD, photo_id=photo.photo_id, token=photo.token)
            row = await self._note(row, row.publication.with_(cover=held))
        else:
            photo = Photo(photo_id=cover.photo_id, token=cover.token)
        metadata, _ = await self._wanted(row)
        await self._update(row, metadata, draft=row.publication.draft is not None, cover=photo)
        is_set = Cover(state=CoverState.SET, photo_id=photo.photo_id)
        await self._note(row, row.publication.with_(cover=is_set).due(self._parts.now()), "the cover is set")
        self._parts.emit(events.CoverSet(upload=row.id))

    # --- trouble --------------------------------------------------------------------------------------

    async def _refused(self, number: int, error: UploadError) -> None:
        row = await self._parts.ledger.get(number)
        if row is None or row.publication.tell_at is None:
            return
        if isinstance(error, TicketDead):
            await self._give_up(row, row.publication.nothing_owed(), error)
        elif self._is_final(row, error):
            await self._give_up(row, self._without(row), error)
        else:
            await self._later(row, error)

    def _is_final(self, row: Upload, error: UploadError) -> bool:
        code, count = self._tries.get(row.id, ("", 0))
        count = count + 1 if code == error.code else 1
        self._tries[row.id] = error.code, count
        if isinstance(error, Halted):
            # Uploads halt by it as well, but for what covers alone need.
            return self._is_about_cover(row) and error.code in LACKS_PERMISSION
        tries = error.tries if isinstance(error, Trouble) else None
        return isinstance(error, GaveUp) or (tries is not None and count >= tries)

    def _is_about_cover(self, row: Upload) -> bool:
        publication = row.publication
        return publication.renew is None and not self._is_released(publication)

    def _is_released(self, publication: Publication) -> bool:
        """Whether friends were first for long enough, by OK's clock: ours may be years ahead."""
        return publication.is_released(now_by_ok(self._parts))

    def _is_early_by_ok(self, publication: Publication) -> bool:
        """Whether nothing but a draft's time has come, and that by our clock alone."""
        is_draft = publication.draft is Draft.FRIENDS and not publication.is_owed
        return is_draft and not self._is_released(publication)

    def _by_our_clock(self, publication: Publication) -> datetime | None:
        """When a draft is made public, as our clock will say it."""
        return publication.public_at and publication.public_at + timedelta(
            seconds=clock_skew(self._parts) or 0
        )

    def _without(self, row: Upload) -> Publication:
        """The publication without what cannot be told."""
        publication, now = row.publication, self._parts.now()
        if publication.renew is not None:
            # What was found there is not told again, until it changes: it would come to the same.
            beside = self._beside.get(row.id, publication.beside)
            return publication.with_(renew=None, beside=beside).due(now)
        if self._is_released(publication):
            return publication.with_(draft=Draft.FRIENDS, public_at=None).due(now)
        cover = publication.cover
        if cover is not None and cover.state is CoverState.HELD and row.id not in self._brought:
            # Its token is of an earlier life, and may be too old by now.
            return publication.with_(cover=Cover(state=CoverState.DUE)).due(now)
        return publication.with_(cover=Cover(state=CoverState.REFUSED)).due(now)

    async def _give_up(self, row: Upload, publication: Publication, error: UploadError) -> None:
        self._tries.pop(row.id, None)
        said = _said(error)
        with contextlib.suppress(StaleVersion):
            await self._note(row, publication, f"{error.code}: {said}")
            self._parts.emit(
                events.VideoNotTold(upload=row.id, code=error.code, reason=error.message, hint=error.hint)
            )

    async def _later(self, row: Upload, error: UploadError) -> None:
        _, count = self._tries.get(row.id, ("", 1))
        asked_to_wait = isinstance(error, Trouble) and (error.long or error.retry_after)
        backoff = self._parts.backoff if asked_to_wait else patient(self._parts.backoff)
        delay = backoff.delay(error, count, self._parts.chance())
        at, said = self._parts.now() + timedelta(seconds=delay), _said(error)
        with contextlib.suppress(StaleVersion):
            # The history is told of each kind of trouble once.
            note = f"{error.code}: {said}" if count == 1 else ""
            await self._note(row, row.publication.with_(tell_at=at), note)
        self._parts.emit(
            events.ChoreTrouble(
                upload=row.id, chore="tell", code=error.code, reason=said, delay=round(delay, 3)
            )
        )


def _said(error: UploadError) -> str:
    return f"{error.message}; {error.hint}".rstrip("; ")


def _words_for(*, released: bool, is_new: bool) -> str:
    if released:
        return "made public" + (", and the metadata was told anew" if is_new else "")
    return "the metadata was told anew" if is_new else "the metadata is as it was told"


def _has_new_texts(beside: bytes | None, publication: Publication) -> bool:
    return beside is not None and Beside.of(beside).has_new_texts(Beside.of(publication.beside or b""))


def _mended(row: Upload, now: datetime) -> Publication:
    """The publication without what a clock said that ran ahead when the row was written.

    What is owed is due now. When a draft becomes public was noted by OK's clock, and stands.
    """
    return row.publication.due(now)
