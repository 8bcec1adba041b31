"""What is seen while the demonstration runs: a line for each file, from the daemon's own log.

On a terminal the lines are redrawn as they change; elsewhere each change is printed once.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

if TYPE_CHECKING:
    from types import TracebackType

TROUBLES: Final = {"no_answer": "the connection was cut; asking what OK holds"}


@dataclasses.dataclass(slots=True)
class Line:
    """One file, as it stands."""

    name: str
    state: str = ""
    note: str = ""
    held: int = 0  #: bytes
    size: int = 0  #: bytes; 0 until it is known

    @property
    def text(self) -> str:
        """What is printed where nothing can be redrawn."""
        return f"{self.name}: {self.state}" + (f" ({self.note})" if self.note else "")


class Show:
    """Listens to the daemon's log; a context manager, since a terminal has to be given back."""

    def __init__(self, console: Console | None = None) -> None:
        self._console: Final = console or Console()
        self._lines: Final[dict[str, Line]] = {}
        self._paths: Final[dict[int, str]] = {}
        self._live: Final = Live(console=self._console, refresh_per_second=8, transient=False)
        self.published = 0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._live.update(self._table())
            self._live.stop()

    def say(self, text: str) -> None:
        """Print something beside the lines."""
        self._console.print(text, markup=False, highlight=False)

    def hear(self, event: dict[str, Any]) -> None:
        """Take one line of the daemon's log."""
        if not event["event"]:
            self.say(event["said"])
            return
        line = self._line(event)
        if line is None:
            return
        before = line.text
        self._change(line, event)
        if self._console.is_terminal:
            self._live.update(self._table())
        elif line.text != before:
            self.say(line.text)

    def _line(self, event: dict[str, Any]) -> Line | None:
        """The line that an event is about."""
        if "path" in event and "upload" in event:
            self._paths[event["upload"]] = event["path"]
        named = event.get("path") if "upload" in event or event["event"].startswith("file.") else None
        path = named or self._paths.get(event.get("upload", 0))
        if path is None:
            return None
        return self._lines.setdefault(path, Line(name=path.rpartition("/")[2]))

    def _change(self, line: Line, event: dict[str, Any]) -> None:
        match event:
            case {"event": "file.waiting", "reason": reason}:
                line.state, line.note = "waiting", reason
            case {"event": "file.settled", "size": size}:
                line.state, line.note, line.size = "finished", "", size
            case {"event": "upload.started"}:
                line.state, line.note = "sending", ""
            case {"event": "segment.stored", "received": received}:
                line.state, line.note, line.held = "sending", "", received
            case {"event": "upload.trouble", "code": code, "reason": reason}:
                line.note = TROUBLES.get(code, reason)
            case {"event": "upload.whole", "size": size}:
                line.state, line.note, line.held = "publishing", "OK holds every byte", size
            case {"event": "upload.published", "video_id": video}:
                line.state, line.note = "published", f"video {video}"
                self.published += 1
            case _:
                pass

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for line in self._lines.values():
            # Colours that a terminal of sixteen has too: the library's own come out grey there.
            bar = ProgressBar(
                total=max(line.size, 1),
                completed=line.held,
                width=24,
                complete_style="magenta",
                finished_style="green",
            )
            table.add_row(escape(line.name), bar, line.state, f"[dim]{escape(line.note)}[/]")
        return table
