"""What came of many storms, in figures."""

from __future__ import annotations

import collections
import dataclasses
from typing import TYPE_CHECKING, Any

from chaos import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos.facts import Facts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One storm.

    Args:
        seed: what it was drawn from.
        mode: the emulator's.
        complaints: of the verdict; none: all is well.
        counts: figures.
        fired: fault → how often it struck.
        notes: what was left out, and why.
        seconds: how long it took.
    """

    seed: int
    mode: str
    complaints: tuple[str, ...] = ()
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    fired: Mapping[str, int] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """It in one line."""
        word = "FAILED" if self.complaints else "ok"
        some = ("files", "kills", "emulator kills", "published", "rows superseded")
        figures = ", ".join(f"{self.counts.get(name, 0)} {name.removeprefix('rows ')}" for name in some)
        return f"{word}  seed {self.seed} {self.mode}: {figures}, {self.seconds:.1f} s"


def replay(outcome: Outcome) -> str:
    """What brings a storm back."""
    return f"make chaos SEED={outcome.seed} MODE={outcome.mode}"


def outcome_of(facts: Facts, *, seconds: float) -> Outcome:
    """Judge a storm, and count."""
    lied_about = {aimed.video for aimed in facts.aimed if aimed.strike.aim == "sending"}
    again = {account["id"]: account["held_bytes_resent"] for account in facts.accounts}
    counts = {
        **facts.counts,
        "published": len(verdict.visible(facts)),
        "tickets lost": len(verdict.lost_tickets(facts)),
        "faults struck": sum(facts.fired.values()),
        "bytes received": sum(account["received"] for account in facts.accounts),
        "held bytes sent again": sum(again.values()),
        "of these after a lie": sum(count for video, count in again.items() if video in lied_about),
        "of these come late": sum(count for video, count in again.items() if video not in lied_about),
    }
    return Outcome(
        seed=facts.schedule.seed,
        mode=facts.schedule.mode,
        complaints=tuple(verdict.judge(facts)),
        counts=counts,
        fired=facts.fired,
        notes=facts.notes,
        seconds=seconds,
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All storms of a run; `seconds` by the clock on the wall."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def failed(self) -> list[Outcome]:
        """Those with complaints."""
        return [outcome for outcome in self.outcomes if outcome.complaints]

    @property
    def counts(self) -> collections.Counter[str]:
        """All figures, added up."""
        return _added(outcome.counts for outcome in self.outcomes)

    @property
    def fired(self) -> collections.Counter[str]:
        """Fault → how often it struck."""
        return _added(outcome.fired for outcome in self.outcomes)

    @property
    def notes(self) -> collections.Counter[str]:
        """What was left out → in how many storms."""
        return collections.Counter(note for outcome in self.outcomes for note in outcome.notes)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "storms": len(self.outcomes),
            "failed": [
                {"seed": each.seed, "mode": each.mode, "why": each.complaints} for each in self.failed
            ],
            "seconds": round(self.seconds, 1),
            "counts": dict(self.counts),
            "faults": dict(sorted(self.fired.items())),
            "left_out": dict(self.notes),
        }

    def __str__(self) -> str:
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.fired.items()) if count)
        lines = [
            f"{len(self.outcomes)} storms, {len(self.failed)} failed, {self.seconds:.0f} s",
            *(f"  {name:24} {count:>14,}" for name, count in self.counts.items()),
            f"  faults: {faults}",
            *(f"  left out in {count} storms: {note}" for note, count in self.notes.items()),
            *(f"  again: {replay(outcome)}" for outcome in self.failed),
        ]
        return "\n".join(lines)


def _added(figures: Any) -> collections.Counter[str]:
    total: collections.Counter[str] = collections.Counter()
    for each in figures:
        total.update(each)
    return total
