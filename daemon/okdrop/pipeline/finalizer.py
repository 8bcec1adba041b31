"""The last step: video.update makes the video visible.

Before the first update of an upload the file is looked at once more: if it changed, its old revision is
not published either. From the moment an update may have taken effect (`publish_offered`, written before
it leaves), the decision stands: it is repeated until OK answers, whatever becomes of the file, so that
one revision never gets two videos.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import SIDECAR_AWAITED, SIDECAR_UNSETTLED, SOURCE_GONE, UNFINISHED, Failure, State
from okdrop.errors import GaveUp, Halted, LedgerError, SourceChanged, TicketDead, Trouble, UploadError
from okdrop.inbox import contents
from okdrop.leaves import Leaves
from okdrop.ledger import StaleVersion
from okdrop.pipeline import telling
from okdrop.pipeline.accounts import admits, call_of, client_of
from okdrop.pipeline.after import first_chore
from okdrop.pipeline.describing import Describing
from okdrop.pipeline.line import IN_OTHER_HANDS
from okdrop.pipeline.openings import ClosedMeanwhile
from okdrop.pipeline.places import naming
from okdrop.pipeline.publishing import intended, published, retracted
from okdrop.protocol.messages import VideoStatus
from okdrop.protocol.verdicts import NOT_TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Upload
    from okdrop.inbox.source import Source
    from okdrop.metadata import Metadata
    from okdrop.pipeline.describing import Described
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.openings import Openings
    from okdrop.pipeline.parts import Parts

_AWAITED: Final = frozenset({SIDECAR_AWAITED, SIDECAR_UNSETTLED})


class Finalizer:
    """Publishes what is whole.

    Args:
        parts: what all stages share.
        finals: ids that wait for video.update.
        line: where an upload goes back to when OK has lost its video.
        opened: uploads of this run that have no end yet.
        look_again: told of a file that changed, so that its new revision is found.
        published: told of an upload that has its first chore now.
        openings: say whether it is time.
    """

    def __init__(
        self,
        parts: Parts,
        finals: Line,
        line: Line,
        opened: OpenUploads,
        look_again: Callable[[Drop], None],
        published: Callable[[Upload], None],
        openings: Openings,
    ) -> None:
        self._parts: Final = parts
        self._finals: Final = finals
        self._line: Final = line
        self._opened: Final = opened
        self._look_again: Final = look_again
        self._published: Final = published
        self._openings: Final = openings
        self._host_asked: Final[set[int]] = set()  # of those that OK says it has not taken
        self._describing: Final = Describing(parts)
        opened.on_begin(self._describing.begun)
        opened.on_end(self._describing.forget)

    async def work(self) -> None:
        """Go on until the line is closed or the brake is pulled."""
        while (number := await self._finals.get()) is not None:
            with self._opened.taken(number) as is_ours:
                if not is_ours:
                    self._finals.put(number, IN_OTHER_HANDS)
                    continue
                if not await self._parts.brake.wait_until_free():
                    return
                if self._opened.park_again(number, self._finals, self._parts.brake.is_halted_for):
                    self._openings.forget(number)
                    continue
                await self._publish_or_yield(number)

    async def _publish_or_yield(self, number: int) -> None:
        try:
            await self.publish(number)
        except StaleVersion as stale:
            # Somebody else wrote the row: cancelled, superseded, renamed. Theirs stands.
            self._pass_on(stale.current)
        finally:
            self._parts.breakers.leave(number)

    def _pass_on(self, row: Upload) -> None:
        """Put an upload where its state belongs, which may not be here."""
        self._openings.forget(row.id)
        if row.state is State.FINALIZING and row.ticket is not None:
            self._finals.put(row.id)
        elif row.state in UNFINISHED:
            self._line.put(row.id)
        else:
            if row.id in self._opened:
                self._parts.taken_away(row)
            self._opened.end(row.id)

    async def publish(self, number: int) -> None:
        """One try at one upload."""
        row = await self._parts.ledger.get(number)
        if row is None:
            self._opened.end(number)
            return
        if row.state is not State.FINALIZING or row.ticket is None:
            self._pass_on(row)
            return
        if not admits(self._parts, row, self._finals, self._opened):
            self._openings.forget(number)  # what waits for something else takes no place from others
            return
        async with self._openings.admitted(row) as wait:
            if wait is not None:
                await self._openings.wait(await self._describing.with_words(row), wait)
            elif (heard := await self._heard(row)) is not None:
                await self._publish_now(heard)

    async def _publish_now(self, row: Upload) -> None:
        number = row.id
        if place := self._parts.breakers.holds(number, *call_of(self._parts, row.account)):
            self._openings.forget(number)
            self._parts.breakers.wait(number, place, self._finals)
            return
        offered_before, posted_before = row.publish_offered, row.publication.posted_at
        try:
            proven = await self._with_digest(row)
            if proven.digest != row.digest and (await self._heard(proven)) is None:
                return  # something came to lie beside it while it was read
            row = proven
            beside = await telling.beside_of(self._parts, row)
            row, described = await self._commit_to(row, await self._describing.describe(row))
            await self._update(row, described.metadata)
        except UploadError as error:
            maybe_done = isinstance(error, Trouble) and error.maybe_done
            stands = offered_before or maybe_done
            if maybe_done:
                self._openings.forget(number)  # it counts as a post by now, and not as one that is to come
            await self._refused(row if stands else retracted(row, posted_before), error)
            return
        except ClosedMeanwhile as closed:
            await self._openings.wait(closed.row, closed.wait)
            return
        self._host_asked.discard(row.id)
        row = await self._as_published(row, described.metadata, beside)
        self._tell_published(await self._parts.ledger.write(row, note=described.note))

    def _tell_published(self, row: Upload) -> None:
        """It is published, and in the ledger so."""
        self._parts.tally.add(State.PUBLISHED)
        self._parts.emit(
            events.UploadPublished(
                upload=row.id,
                video_id=row.ticket.video_id if row.ticket else "",
                path=events.shown(row.drop.path),
                size=row.drop.revision.size,
                account=row.account,
            )
        )
        self._published(row)
        self._opened.end(row.id)

    async def _heard(self, row: Upload) -> Upload | None:
        """The row, if publishing need not wait for a sidecar; else that is written down once.

        Its next look is not in the ledger: a restart looks at once.
        """
        try:
            wait = await self._describing.wait(row)
        except UploadError as error:
            self._openings.forget(row.id)
            await self._refused(row, error)
            return None
        if wait is None:
            return row.with_(last_trouble="") if row.last_trouble in _AWAITED else row  # it is over
        self._openings.forget(row.id)  # others may take its place meanwhile; it asks for one again
        open_now = row.publication.with_(closed_by=None, opens_at=None)
        if (row.last_trouble, row.retry_at, row.publication) != (wait.code, None, open_now):
            row = row.with_(last_trouble=wait.code, troubles=0, retry_at=None, publication=open_now)
            row = await self._parts.ledger.write(row, note=wait.reason)
        if self._describing.is_news(row.id, wait.code):
            path = events.shown(row.drop.path)
            self._parts.emit(events.UploadAwaitsSidecar(upload=row.id, path=path, reason=wait.reason))
        self._finals.put(row.id, wait.delay)
        return None

    async def _as_published(self, row: Upload, metadata: Metadata, beside: bytes | None) -> Upload:
        """Published, its first chore, and what is still to be told, in one write: no crash comes between."""
        wanted = self._parts.afterwards_of(row.drop).after
        return row.to(
            State.PUBLISHED,
            publish_offered=False,
            troubles=0,
            retry_at=None,
            failure=None,
            chore=first_chore(wanted, moved=row.moved_to is not None),
            publication=await published(self._parts, row, metadata, beside),
        )

    async def _with_digest(self, row: Upload) -> Upload:
        """The row with the digest of what OK holds, which is written with whatever is written next.

        It may take many minutes, so only afterwards is seen what lies beside the file.
        """
        if row.publish_offered or row.digest is not None:
            return row
        try:
            return await self._seen(row, proves=True)
        except GaveUp:
            return row  # It cannot be read any more, but every byte of it was, and OK holds them.

    async def _proven(self, row: Upload, source: Source) -> bytes | None:
        """The digest of what OK holds: what was hashed as it left, and the rest read again."""
        leaves = Leaves(row.drop.revision.size, await self._parts.ledger.leaves(row))
        await contents.fill(source, leaves)
        return leaves.root()

    async def _commit_to(self, row: Upload, described: Described) -> tuple[Upload, Described]:
        """Look at the file a last time; from here on this revision is the one that is published."""
        if row.publish_offered:
            return row, described
        name = row.drop.path
        with contextlib.suppress(GaveUp):
            row = await self._seen(row)
        if row.drop.path != name:
            described = await self._describing.describe(row)
        async with self._openings.posting(row):
            is_draft = self._parts.posting_of(row.drop).is_draft(described.metadata)
            intent = intended(row, described.metadata, self._parts.now(), is_draft=is_draft)
            return await self._parts.ledger.write(intent), described

    async def _seen(self, row: Upload, *, proves: bool = False) -> Upload:
        """Make sure that the file is the revision of the row, and take over its present name.

        Gone is not changed: OK holds the only copy there may be. It is published; that it is not only away
        is asked when it is described.
        """
        digest = row.digest
        try:
            source = await self._parts.open_source(row)
            async with source.held(naming(self._parts.places, row.drop)):
                if proves:
                    digest = await self._proven(row, source)
                await source.check()
        except SourceChanged as changed:
            if changed.code != SOURCE_GONE:
                raise
            return row
        return (await self._renamed(row, source.path)).with_(digest=digest)

    async def _renamed(self, row: Upload, path: bytes) -> Upload:
        """The file got another name while it was looked at: it is published under that one."""
        if path in {row.drop.path, row.moved_to}:
            return row
        try:
            renamed = await self._parts.ledger.write(
                row.with_(drop=self._parts.drop_at(row.drop, path)), note="the file was renamed"
            )
        except LedgerError as error:
            if error.code != "ledger_known":
                raise
            return row  # that name has a row of its own; it is of no more use to this one
        await self._parts.renamed(renamed, row.drop)
        return renamed

    async def _update(self, row: Upload, metadata: Metadata) -> None:
        if row.ticket is None:
            return
        with self._parts.breakers.calling(row.id, call_of(self._parts, row.account)):
            await client_of(self._parts, row.account).update(
                row.ticket.video_id,
                **telling.as_told(metadata, draft=row.publication.draft is not None),
            )

    async def _refused(self, row: Upload, error: UploadError) -> None:
        """Not published: by the verdict."""
        if isinstance(error, SourceChanged):
            await self._parts.supersede(row)
            self._look_again(row.drop)
            self._opened.end(row.id)
        elif isinstance(error, Halted):
            await self._parts.ledger.write(row, note=error.message)
            self._parts.halt(row, error)
            self._finals.put(row.id)
        elif isinstance(error, Trouble):
            await self._again(row, error)
        elif isinstance(error, TicketDead):
            await self._start_over(row, error)
        else:
            await self._fail(row, error)

    async def _fail(self, row: Upload, error: UploadError) -> None:
        # The ticket stays: `retry` publishes it, and sends nothing again.
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        words = telling.floor_of(row.publication.words)
        row = row.with_(publication=row.publication.with_(words=words))
        await self._parts.fail(row, failure)
        self._opened.end(row.id)

    async def _again(self, row: Upload, error: Trouble) -> None:
        if error.tries is not None and row.troubled(error.code).repeats >= error.tries:
            await self._not_taken(row, error)
            return
        breakers = self._parts.breakers
        call = call_of(self._parts, row.account)
        held_by = breakers.ill(*call)
        row, delay = await self._parts.put_off(row, error, held_by=held_by)
        if held_by:
            self._openings.forget(row.id)
            breakers.wait(row.id, held_by, self._finals)
            return
        self._finals.put(row.id, delay)
        if not error.retry_after:
            breakers.delayed(row.id, call[-1], self._finals)

    async def _not_taken(self, row: Upload, error: Trouble) -> None:
        """It was said too often. But "not taken yet" may be true: the host is asked once what it holds."""
        try:
            is_final = row.id in self._host_asked or error.code != NOT_TAKEN or await self._may_be_public(row)
        except UploadError as other:
            await self._refused(row.with_(troubles=0), other)  # and the question is asked again, later
            return
        if is_final:
            self._host_asked.discard(row.id)
            await self._fail(row, error)
            return
        self._host_asked.add(row.id)
        row, delay = await self._parts.put_off(retracted(row.to(State.UPLOADING), None), error)
        self._openings.forget(row.id)
        self._line.put(row.id, delay)

    async def _may_be_public(self, row: Upload) -> bool:
        """Whether an earlier update may have taken effect; not while OK says that it waits for bytes."""
        if not row.publish_offered or row.ticket is None:
            return False
        with self._parts.breakers.calling(row.id, call_of(self._parts, row.account)):
            status = await client_of(self._parts, row.account).video_status(row.ticket.video_id)
        return status is not VideoStatus.UPLOADING

    async def _start_over(self, row: Upload, error: TicketDead) -> None:
        """OK knows no such video: its bytes have to be sent again.

        Should it turn up after all, it is deleted, so that one revision has one video. Not one that may be
        public: then OK may hold the only copy there is.
        """
        orphan = row.ticket.video_id if row.ticket is not None and not row.publish_offered else ""
        anew = row.to(
            State.UPLOADING, ticket=None, mode=None, offered_all=False, publish_offered=False, received=0
        )
        anew = retracted(anew, None)
        row, delay = await self._parts.put_off(anew, error, orphan=orphan)
        self._openings.forget(row.id)
        self._line.put(row.id, delay)
