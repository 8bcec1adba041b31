"""A view as plain lines, where there is no terminal: nothing is cut, and no control code is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.top.wording import counts, host, limit, moving, pace, published, queued

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.top.model import View
    from okdrop.top.unfinished import Unfinished


def snapshot_lines(view: View) -> Iterator[str]:
    """What is shown of a daemon, once."""
    status, rows = view.status, view.rows
    yield f"okdrop {status.version} at {view.address}: {status.words}"
    yield counts(status)
    yield f"{pace(status.goodput)} now, {limit(status)}"
    for trouble in status.troubles:
        yield f"trouble: {trouble}"
    for one in status.hosts:
        yield f"host {host(one)}"
    for upload in view.moving:
        yield f"on its way: {upload.row.id} {upload.row.path}: {moving(upload)}"
    yield from _unfinished(view.unfinished)
    for row in rows.failed:
        yield f"failed: {row.id} {row.path}: {row.cause}"
    for row in rows.queued:
        yield f"queued: {row.id} {row.path}: {queued(row, view.now)}"
    for row in rows.published:
        yield f"published: {row.id} {row.path}: {published(row)}"


def _unfinished(found: Unfinished | None) -> Iterator[str]:
    """Files that have no upload yet."""
    if found is None or not found.count:
        return
    yield found.words
    for file in found.files:
        yield f"not finished: {file.path}: {file.words}"
