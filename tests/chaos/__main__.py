"""`make chaos`: storms from many seeds, some at once, and a summary."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from chaos import draw
from chaos.storm import storm
from chaos.summary import Outcome, Summary, outcome_of, replay

if TYPE_CHECKING:
    from collections.abc import Sequence


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="exactly this one")
    parser.add_argument("--mode", choices=(*draw.MODES, "both"), default="both")
    parser.add_argument("--jobs", type=int, default=4, help="storms at once")
    parser.add_argument("--json", type=Path, help="write the summary there, too")
    parser.add_argument("--evidence", type=Path, help="where failing storms are kept")
    parser.add_argument("--first-failure", action="store_true", help="begin nothing after a failure")
    parser.add_argument("--show", action="store_true", help="print the schedules and end")
    return parser.parse_args(given)


async def one(seed: int, mode: str, root: Path) -> Outcome:
    """One storm from its seed to its outcome; what a failing one left stays in the folder it names."""
    schedule = draw.schedule(seed, mode)
    place = root / f"{mode}-{seed}"
    shutil.rmtree(place, ignore_errors=True)
    began = time.monotonic()
    try:
        facts = await storm(schedule, place)
    except Exception as error:  # noqa: BLE001 - a storm that cannot be carried out is told like any other
        outcome = Outcome(seed=seed, mode=mode, complaints=(f"the harness: {error!r}",))
    else:
        outcome = outcome_of(facts, seconds=time.monotonic() - began)
    if outcome.complaints:
        place.mkdir(parents=True, exist_ok=True)
        (place / "schedule.txt").write_text(f"{schedule}\n")
        (place / "complaints.txt").write_text("\n".join(outcome.complaints) + "\n")
    else:
        shutil.rmtree(place)
    return outcome


async def many(options: argparse.Namespace) -> Summary:
    """All of them, some at once, each told as it ends."""
    seeds = (
        [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    )
    modes = draw.MODES if options.mode == "both" else (options.mode,)
    root = options.evidence or Path(tempfile.mkdtemp(prefix="okdrop-chaos-"))
    room, began, done, failed = asyncio.Semaphore(options.jobs), time.monotonic(), 0, False
    wanted = [(seed, mode) for seed in seeds for mode in modes]

    async def in_turn(seed: int, mode: str) -> Outcome | None:
        nonlocal done, failed
        async with room:
            if failed and options.first_failure:
                return None
            outcome = await one(seed, mode, root)
        done += 1
        failed |= bool(outcome.complaints)
        sys.stdout.write(f"[{done}/{len(wanted)}] {outcome.line}\n")
        if outcome.complaints:
            told = "\n".join(f"    {line}" for line in outcome.complaints)
            sys.stdout.write(f"{told}\n    kept in {root / f'{mode}-{seed}'}\n    again: {replay(outcome)}\n")
        sys.stdout.flush()
        return outcome

    outcomes = await asyncio.gather(*(in_turn(seed, mode) for seed, mode in wanted))
    return Summary(outcomes=tuple(filter(None, outcomes)), seconds=time.monotonic() - began)


async def _until_cut(options: argparse.Namespace) -> Summary:
    """All of them; a signal ends what runs in good order: processes, and mounts."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    return await many(options)


def main(given: Sequence[str]) -> int:
    """Exit code 0: no complaint; 130: cut."""
    options = _arguments(given)
    if options.show:
        for mode in draw.MODES if options.mode == "both" else (options.mode,):
            sys.stdout.write(f"{draw.schedule(options.seed or options.first, mode)}\n")
        return 0
    try:
        summary = asyncio.run(_until_cut(options))
    except asyncio.CancelledError:
        return 130
    sys.stdout.write(f"\n{summary}\n")
    if options.json is not None:
        options.json.write_text(json.dumps(summary.plain(), indent=2) + "\n")
    return 1 if summary.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
