"""When a file's video becomes public, and for whom, by the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from okdrop.config import Publish
from okdrop.words import lasting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from okdrop.config import Config, Watch
    from okdrop.drop import Drop


def publishing(config: Config, drop: Drop) -> str:
    """What keeps a file from being public as soon as it is whole; "" where nothing does."""
    watch = next((watch for watch in config.watch if str(watch.path) == drop.folder), None)
    return ", ".join(_rules(config, watch))


def _rules(config: Config, watch: Watch | None) -> Iterator[str]:
    if watch is not None and watch.publish_window.spans:
        yield f"within {watch.publish_window} by the local clock (publish_window)"
    if watch is not None and watch.posts_per_day:
        yield f"{watch.posts_per_day} of this folder a day at most (posts_per_day)"
    if config.upload.posts_per_day:
        yield f"{config.upload.posts_per_day} of all a day at most (upload.posts_per_day)"
    if watch is not None and watch.publish is Publish.FRIENDS_FIRST:
        yield (
            f"for friends first, {lasting(watch.public_after)} later for all"
            if watch.public_after
            else "for friends first, until okdrop release"
        )
