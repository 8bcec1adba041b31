"""What a folder says of when and how its videos become public."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from okdrop.config.watch import Publish
from okdrop.config.window import ALWAYS
from okdrop.metadata import Privacy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, tzinfo

    from okdrop.config import Config, Watch
    from okdrop.config.window import PublishWindow
    from okdrop.metadata import Metadata


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A folder's word on it.

    `per_day` is of this folder alone, 0 for as many as there are; `public_after` is in seconds, 0 for never;
    for `update_within` seconds after publishing what lies beside a file is looked after.
    """

    window: PublishWindow = ALWAYS
    per_day: int = 0
    friends_first: bool = False
    public_after: float = 0.0
    cover: bool = False
    update_within: float = 0.0

    @classmethod
    def by(cls, watch: Watch) -> Self:
        """What the configuration of a folder says."""
        return cls(
            window=watch.publish_window,
            per_day=watch.posts_per_day,
            friends_first=watch.publish is Publish.FRIENDS_FIRST,
            public_after=watch.public_after,
            cover=watch.cover,
            update_within=watch.update_within,
        )

    def is_draft(self, metadata: Metadata) -> bool:
        """Whether friends are to see this video first: one that is for friends anyway is no draft."""
        return self.friends_first and metadata.privacy is Privacy.PUBLIC

    def public_at(self, now: datetime) -> datetime | None:
        """When a draft of now becomes public by itself; None: by a person's word alone."""
        return now + timedelta(seconds=self.public_after) if self.public_after else None


ANY_TIME: Final = Posting()

NAMED: Final = Posting(cover=True, update_within=7 * 86400.0)
"""What holds for a file that was named on the command line: as for a folder that says nothing of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """What is said of it altogether.

    `folders` holds the word of each watched folder, "" that of any other place; all together post `per_day` a
    day at most, 0 for as many as there are. Hours and days are those of `zone`; None: of this machine.
    """

    folders: Mapping[str, Posting] = dataclasses.field(default_factory=dict)
    per_day: int = 0
    zone: tzinfo | None = None

    @classmethod
    def by(cls, config: Config) -> Self:
        """What the configuration says."""
        folders = {str(watch.path): Posting.by(watch) for watch in config.watch}
        return cls(folders={"": NAMED} | folders, per_day=config.upload.posts_per_day)

    def of(self, folder: str) -> Posting:
        """The word of a watched folder; of one that is watched no longer nothing is told by itself."""
        return self.folders.get(folder) or (ANY_TIME if folder else self.folders.get("", ANY_TIME))

    @property
    def update_within(self) -> float:
        """For how long what lies beside a file is looked after, in seconds, where that is longest."""
        return max((one.update_within for one in self.folders.values()), default=0.0)


AS_IT_COMES: Final = Postings()
"""Nobody said anything of it."""
