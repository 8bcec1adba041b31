"""What becomes of a settled file: a new upload, or nothing, since it is known, moved, or published already.

The ledger's judgement is by the facts of `stat`; only where those leave a doubt (same path and size,
another mtime) are contents compared.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from okdrop import events
from okdrop.drop import UNFINISHED, State, too_small
from okdrop.errors import GaveUp, LedgerError, UploadError
from okdrop.inbox import contents
from okdrop.inbox.revision import revision_at
from okdrop.inbox.source import Source
from okdrop.ledger import SENT, Known, Moved, New, SetAside, StaleVersion, Suspect
from okdrop.pipeline.accounts import account_for
from okdrop.pipeline.after import chore_of_duplicate
from okdrop.pipeline.parts import SOURCE_MISSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from okdrop.drop import Drop, Failure, Upload
    from okdrop.ledger import Judgement
    from okdrop.pipeline.line import Line, OpenUploads
    from okdrop.pipeline.parts import Parts


TOLD: Final = 10_000
"""Files that are remembered as told to be known."""


class Intake:
    """Writes settled files into the ledger, then into the line.

    Args:
        parts: what all stages share.
        line: where ids of new uploads go.
        opened: uploads of this run that have no end yet.
        has_chore: told of a duplicate whose file is to be moved.
    """

    def __init__(
        self, parts: Parts, line: Line, opened: OpenUploads, has_chore: Callable[[Upload], None]
    ) -> None:
        self._parts: Final = parts
        self._line: Final = line
        self._opened: Final = opened
        self._has_chore: Final = has_chore
        self._told: Final[dict[bytes, int]] = {}

    async def take(
        self, drop: Drop, *, unfit: Failure | None = None, compare_later: Callable[[Drop], None] | None = None
    ) -> Upload | None:
        """Judge a settled file.

        Args:
            drop: the file.
            unfit: why a new file is held for a person, being not whole, say; None: it is not.
            compare_later: takes a file whose contents have to be compared, which may last; whoever gives
                it has each taken again, without this.

        Returns:
            Its row, new or known; None: it is compared later.
        """
        match await self._judged(drop):
            case Known(upload=upload) | Moved(upload=upload) if upload.lost_its_file:
                return await self._found_again(drop, upload)
            case Known(upload=upload):
                return self._known(drop, upload)
            case Moved(upload=upload):
                return await self._moved(drop, upload)
            case SetAside(upload=upload):
                return await self._set_aside(drop, upload)
            case Suspect(upload=upload) if compare_later is not None and upload.digest is not None:
                compare_later(drop)
                return None
            case Suspect(upload=upload):
                return await self.compare(drop, upload, unfit)
            case New():
                return await self._add(drop, unfit)

    async def _judged(self, drop: Drop) -> Judgement:
        """The ledger's judgement; but a file that took over a freed inode, size and time is no renamed one.

        Recorders that split by size and delete what was sent make such files, on coarse clocks at least.
        """
        judgement = await self._parts.ledger.judge(drop)
        if isinstance(judgement, Moved) and judgement.upload.sample is not None:
            try:
                sample = await contents.sample(Source(drop.path, drop.revision, reading=self._parts.reading))
            except UploadError:
                return judgement
            if sample != judgement.upload.sample:
                return New()
        return judgement

    def _known(self, drop: Drop, upload: Upload) -> Upload:
        if self._told.get(drop.path) == upload.id:
            return upload  # another name of an upload under way comes by at each scan
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[drop.path] = upload.id
        self._parts.emit(
            events.FileKnown(
                upload=upload.id,
                path=events.shown(drop.path),
                state=upload.state.value,
                video_id=upload.ticket.video_id if upload.ticket is not None else "",
            )
        )
        return upload

    async def _moved(self, drop: Drop, upload: Upload) -> Upload:
        """A rename: the row goes by the new name from here on, whatever is still to do for it."""
        old_name_holds = revision_at(upload.drop.path) == drop.revision  # then it is a second hard link
        if old_name_holds and self._is_for_another(drop, upload):
            return await self._add(drop)
        if old_name_holds or upload.moved_to is not None:
            return self._known(drop, upload)
        if await self._opened.follow(upload.id) == drop.path:
            return await self._anew(drop)  # its worker goes on under the new name, and cuts nothing
        changed, orphan = self._under_new_name(drop, upload)
        try:
            renamed = await self._parts.ledger.write(changed, note="the file was renamed", orphan=orphan)
        except StaleVersion:
            return await self._anew(drop)  # its worker wrote in between: judge it as it stands now
        except LedgerError as error:
            return await self._anew_if_known(drop, error)
        await self._parts.renamed(renamed, upload.drop)
        if renamed.id in self._opened:
            self._line.note(renamed)  # its folder may be another one
            self._opened.unpark(renamed.id)  # and its account, and its hours
        if _was_missed(upload):
            self._line.retime(renamed.id, 0.0)  # this is what it waited for
        return renamed if renamed.state in UNFINISHED else self._known(drop, renamed)

    def _is_for_another(self, drop: Drop, upload: Upload) -> bool:
        """Whether a second name is one for a second account: whoever made it wants it there as well."""
        account = self._parts.senders.get(drop.folder)
        return account is not None and account not in {
            upload.account,
            account_for(self._parts, upload.drop),  # not a folder that sends for another account by now
        }

    def _under_new_name(self, drop: Drop, upload: Upload) -> tuple[Upload, str]:
        """The row by its new name, and the video that is given up by it.

        A ticket is for one account and one group: in a folder of another one, the upload begins anew.
        """
        changed = upload.with_(drop=_called_as_before(drop, upload))
        if _was_missed(upload):
            changed = changed.with_(retry_at=None, troubles=0)
        account = self._parts.senders.get(drop.folder, upload.account)
        same_group = self._same_group(drop, upload.drop)
        stays = same_group and (account == upload.account or drop.folder == upload.drop.folder)
        if stays or upload.ticket is None or upload.state not in UNFINISHED or upload.publish_offered:
            return changed, ""
        changed = changed.with_(account=account)
        if upload.state is State.FINALIZING:
            changed = changed.to(State.UPLOADING)
        publication = changed.publication.with_(closed_by=None, opens_at=None)
        changed = changed.with_(
            ticket=None, mode=None, offered_all=False, received=0, publication=publication
        )
        return changed, upload.ticket.video_id

    def _same_group(self, one: Drop, other: Drop) -> bool:
        try:
            return self._parts.group_of(one) == self._parts.group_of(other)
        except GaveUp:
            return False  # there is none; that is told where it is asked for

    async def _found_again(self, drop: Drop, upload: Upload) -> Upload:
        """The file was gone (a mount came late, a rename), and here it is: its upload begins anew."""
        try:
            row = await self._parts.ledger.write(
                upload.handed_back().with_(drop=_called_as_before(drop, upload)), note="the file is back"
            )
        except StaleVersion:
            return await self._anew(drop)
        self._begin(row)
        return row

    async def _anew(self, drop: Drop, unfit: Failure | None = None) -> Upload:
        match await self._judged(drop):
            case Known(upload=upload) | Moved(upload=upload) if upload.lost_its_file:
                return await self._found_again(drop, upload)  # its worker missed it under its old name
            case Known(upload=upload):
                return self._known(drop, upload)
            case Moved(upload=upload):
                return await self._moved(drop, upload)
            case SetAside(upload=upload):
                return await self._set_aside(drop, upload)
            case Suspect() | New():
                return await self._add(drop, unfit)

    async def _set_aside(self, drop: Drop, upload: Upload) -> Upload:
        """What is not to be sent was touched, which alone makes nothing public: it goes by the new time.

        A sample is taken of it now, since nothing of it was read before; the next time its contents tell.
        """
        try:
            sample = await contents.sample(Source(drop.path, drop.revision, reading=self._parts.reading))
        except UploadError:
            sample = upload.sample or b""  # it cannot be told, and so it stays aside
        if upload.sample and sample != upload.sample:
            return await self._add(drop)
        changed = upload.with_(drop=_called_as_before(drop, upload), sample=sample or None)
        note = "" if upload.sample else "the file was touched: that alone sends nothing"
        try:
            return self._known(drop, await self._parts.ledger.write(changed, note=note))
        except StaleVersion:
            return await self._anew(drop)  # somebody handed it back meanwhile

    async def _anew_if_known(self, drop: Drop, error: LedgerError) -> Upload:
        """Another process gave this revision a row after it was judged here."""
        if error.code != "ledger_known":
            raise error
        return await self._anew(drop)

    async def compare(self, drop: Drop, published: Upload, unfit: Failure | None = None) -> Upload:
        """The same path and size with another mtime: the same bytes are not sent again."""
        if published.digest is not None:
            try:
                source = await Source.open(drop.path, drop.revision, reading=self._parts.reading)
                same = (
                    published.sample in {None, await contents.sample(source)}
                    and await contents.digest(source, like=published.digest) == published.digest
                )
            except UploadError:
                same = False  # not proven: the upload itself will say what is wrong with the file
            if same and published.state in SENT:
                return await self._duplicate(drop, published)
            if same:
                return await self._touched(drop, published)
        return await self._anew(drop, unfit)

    async def _touched(self, drop: Drop, upload: Upload) -> Upload:
        """The same bytes as those of an upload that may be public already: it goes by the new time.

        A row of its own would give one content two videos.
        """
        try:
            return await self._parts.ledger.write(upload.with_(drop=drop), note="the file was touched")
        except StaleVersion as stale:
            return await self.compare(drop, stale.current)

    async def _duplicate(self, drop: Drop, published: Upload) -> Upload:
        original = published.duplicate_of or published.id
        try:
            row = await self._parts.ledger.add(
                drop,
                account=published.account,
                state=State.DUPLICATE,
                duplicate_of=original,
                chore=chore_of_duplicate(self._parts.afterwards_of(drop).after),
                note=f"the same bytes as upload {original}",
            )
        except LedgerError as error:
            return await self._anew_if_known(drop, error)
        self._parts.tell_duplicate(row)
        self._has_chore(row)
        return row

    async def _add(self, drop: Drop, unfit: Failure | None = None) -> Upload:
        await self._opened.make_way(drop.path)
        account = account_for(self._parts, drop)
        failure = too_small(drop.revision.size) or unfit
        try:
            if failure is None:
                row = await self._parts.ledger.add(drop, account=account, note="settled")
            else:
                row = await self._parts.ledger.add(
                    drop, account=account, state=State.FAILED, failure=failure, note=failure.message
                )
        except LedgerError as error:
            return await self._anew_if_known(drop, error)
        if failure is not None:
            self._parts.tally.add(State.FAILED)
            self._parts.tell_failure(row)
            return row
        if not row.held:  # another revision of a file that waits for a person to say go
            self._begin(row)
        return row

    def _begin(self, row: Upload) -> None:
        self._parts.emit(
            events.FileSettled(upload=row.id, path=events.shown(row.drop.path), size=row.drop.revision.size)
        )
        if self._opened.begin(row.id):
            self._line.note(row)
            self._line.put(row.id)


def _was_missed(upload: Upload) -> bool:
    return upload.troubles > 0 and upload.last_trouble == SOURCE_MISSED


def _called_as_before(drop: Drop, upload: Upload) -> Drop:
    """The drop under the title that a person gave the upload, unless it brings one of its own."""
    return drop if drop.title else dataclasses.replace(drop, title=upload.drop.title)
