"""A seed becomes a schedule: pure, so that the same seed is the same storm."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from chaos import plan, weather

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.plan import Act, Moment, Schedule, Step

MODES: Final = ("parallel", "sequential")

KIB: Final = 1024
SMALLEST: Final = 16 * KIB
SEGMENT: Final = 64 * KIB

HOSTILE: Final = (
    b"new\nline.mp4",
    b"quo\"te's.mp4",
    b"not utf-8 \xff\xfe.mkv",
    "кино 🎬.mp4".encode(),
    b"-rf --no-preserve-root.mp4",
    b"{{ stem }} %s %00.MP4",
    b"n" * 251 + b".mp4",
    b"semi;colon&amp<b>.webm",
    b" blank .mov",
    b"sub folder/deep/\x01\x7f.mp4",
)

FAULTS_OF_A_STORM: Final = 5


class _Drawing:
    """One schedule on its way: what lies in the folder by now, as far as the plan goes."""

    def __init__(self, seed: int, mode: str) -> None:
        self.chance: Final = random.Random(f"okdrop chaos {mode} {seed}")
        self.steps: list[Step] = []
        self._seed = seed
        self._content = 0
        self._names: list[bytes] = []
        self._made = 0

    # --- moments --------------------------------------------------------------------------------------

    def moment(self, name: bytes | None = None) -> Moment:
        """Some event; of this file, if one is named."""
        chance = self.chance
        if name is not None and chance.random() < 0.5:
            return plan.Sending(name=name)
        return chance.choice(
            (
                plan.Received(bytes=chance.randrange(1000, 900_000)),
                plan.Received(bytes=chance.randrange(1000, 300_000)),
                plan.Sending(),
                plan.Sending(),
                plan.Published(videos=1),
                plan.Lapse(seconds=round(chance.uniform(0.0, 0.4), 3)),
            )
        )

    def step(self, at: Moment, do: Act) -> None:
        self.steps.append(plan.Step(at=at, do=do))

    # --- files ----------------------------------------------------------------------------------------

    def size(self) -> int:
        small, large = (SMALLEST, 300 * KIB) if self.chance.random() < 0.25 else (400 * KIB, 3000 * KIB)
        even = self.chance.choice((SMALLEST, 3 * SEGMENT, 8 * SEGMENT))
        return even if self.chance.random() < 0.2 else self.chance.randrange(small, large)

    def content(self) -> int:
        self._content += 1
        return self._content

    def name(self) -> bytes:
        """A name that nothing has had in this storm."""
        self._made += 1
        if self.chance.random() < 0.4:
            folder, slash, own = self.chance.choice(HOSTILE).rpartition(b"/")
            mark = b"%d" % self._made
            return folder + slash + mark + own[len(mark) :]  # 255 bytes stay 255 bytes
        return b"clip-%d.mp4" % self._made

    def some_name(self) -> bytes:
        return self.chance.choice(self._names)

    def drop(self, name: bytes | None = None) -> plan.Drop:
        chance = self.chance
        way = chance.choice(("rename", "rename", "hold", "reopen"))
        growing = way != "rename"
        if name is None:
            name = self.name()
            self._names.append(name)
        return plan.Drop(
            name=name,
            size=self.size(),
            content=self.content(),
            way=way,
            pieces=chance.randint(2, 5) if growing else 1,
            pause=round(chance.uniform(0.02, 0.3), 3) if growing else 0.0,
        )

    def rename(self) -> plan.Rename:
        name, to = self.some_name(), self.name()
        self._names[self._names.index(name)] = to
        return plan.Rename(name=name, to=to)

    def delete(self) -> plan.Delete:
        name = self.some_name()
        if len(self._names) > 1:
            self._names.remove(name)
        return plan.Delete(name=name)

    def twin(self) -> plan.Twin:
        name, to = self.some_name(), self.name()
        self._names.append(to)
        return plan.Twin(name=name, to=to)

    def file_act(self) -> Act:
        chance = self.chance
        acts: list[Callable[[], Act]] = [
            self.drop,
            self.drop,
            self.drop,
            lambda: plan.Drop(name=self.some_name(), size=self.size(), content=self.content()),
            lambda: plan.Rewrite(name=self.some_name(), size=self.size(), content=self.content()),
            lambda: plan.Truncate(name=self.some_name(), part=round(chance.uniform(0.2, 0.95), 2)),
            lambda: plan.Touch(name=self.some_name()),
            self.rename,
            self.delete,
            self.twin,
        ]
        return chance.choice(acts)()

    # --- trouble --------------------------------------------------------------------------------------

    def strike(self, fault: str) -> None:
        struck = weather.strike(fault, self.chance)
        at = {"sending": plan.Sending(), "whole": plan.Whole(), "": self.moment()}[struck.aim]
        self.step(at, struck)
        if struck.aim == "sending" and self.chance.random() < 0.7:
            # What is held is asked for after a doubt, and a restart is one.
            self.step(plan.Received(bytes=self.chance.randrange(1000, 100_000)), self.end("KILL"))

    def token(self) -> None:
        self.step(self.moment(), plan.DeadToken(seconds=round(self.chance.uniform(0.1, 0.8), 2)))

    def end(self, signal: str = "") -> plan.End:
        chance = self.chance
        return plan.End(
            signal=signal or chance.choice(("KILL", "KILL", "TERM")),
            pause=round(chance.choice((0.0, chance.uniform(0.0, 0.5))), 3),
            fresh=round(chance.uniform(0.0, 1.2), 3) if chance.random() < 0.25 else None,
            once=chance.random() < 0.2,
        )

    def trouble(self) -> Act:
        chance = self.chance
        return chance.choice(
            (
                self.end(),
                self.end(),
                self.end(),
                plan.Crash(pause=round(chance.uniform(0.0, 0.6), 2)),
                plan.FullDisk(seconds=round(chance.uniform(0.2, 1.0), 2)),
                plan.Jump(offset=chance.choice((-86_400, -3600, -61, 61, 7200, 90_000, 172_800))),
            )
        )


def faults_of(seed: int) -> list[str]:
    """The faults of a seed: storms in a row have them all, one after the other."""
    names = list(weather.MENU)
    start = seed * FAULTS_OF_A_STORM
    return [names[(start + number) % len(names)] for number in range(FAULTS_OF_A_STORM)]


def schedule(seed: int, mode: str) -> Schedule:
    """Draw a storm."""
    drawing = _Drawing(seed, mode)
    chance = drawing.chance
    after = chance.choice(("keep", "move", "delete"))
    upload_mode = "multipart" if chance.random() < 0.15 else "renewable"
    settle = chance.choice((0.0, 0.1, 0.25))
    rate = chance.choice((150_000, 300_000, 600_000)) * (3 if mode == "sequential" else 1)
    for _ in range(chance.randint(3, 4)):
        drawing.step(plan.Lapse(seconds=0.0), drawing.drop())
    first = drawing.steps
    drawing.steps = []
    _fill(drawing, seed)
    return plan.Schedule(
        seed=seed,
        mode=mode,
        after=after,
        upload_mode=upload_mode,
        settle=settle,
        rate=rate,
        steps=(*first, *drawing.steps),
    )


def _fill(drawing: _Drawing, seed: int) -> None:
    """Faults, trouble and files, in an order that chance gives them."""
    chance = drawing.chance
    faults = faults_of(seed)
    parts = ["fault"] * len(faults) + ["file"] * chance.randint(4, 7) + ["trouble"] * chance.randint(3, 5)
    chance.shuffle(parts)
    for part in parts:
        if part == "fault":
            fault = faults.pop()
            if fault in weather.UNBOUNDED_BY_ITSELF:
                drawing.token()
            else:
                drawing.strike(fault)
        elif part == "file":
            act = drawing.file_act()
            drawing.step(drawing.moment(None if isinstance(act, plan.Twin) else act.name), act)  # type: ignore[union-attr]
        else:
            drawing.step(drawing.moment(), drawing.trouble())
