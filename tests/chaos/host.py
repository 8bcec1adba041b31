"""The emulator of a storm: killed and started again, with its weather put back each time."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final

from chaos import weather
from chaos.facts import Aimed
from e2e.harness import EmulatorProcess
from okdrop.emulator import ACCESS_TOKEN, APPLICATION_SECRET_KEY, REFRESH_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from chaos.plan import Schedule, Strike
    from e2e.harness import Running

SHARE_SLOWED: Final = 0.8
"""Of the segments; the others leave room for the drawn `slow`, since the first of a name strikes."""


@dataclasses.dataclass(slots=True)
class _Switched:
    """A fault that is on; what its earlier lives used up is gone from it."""

    plain: dict[str, Any]
    fired: int = 0
    matched: int = 0

    def rest(self) -> dict[str, Any]:
        """What a new process is told of it."""
        times, after = self.plain.get("times", -1), self.plain.get("after", 0)
        return self.plain | {
            "times": max(0, times - self.fired) if times >= 0 else times,
            "after": max(0, after - self.matched),
        }


class Host:
    """OK's side.

    Args:
        place: everything lies below it.
        schedule: says how segments are taken, and how fast.
    """

    def __init__(self, place: Path, schedule: Schedule) -> None:
        slow = f"slow:rate={schedule.rate},probability={SHARE_SLOWED}"
        self._process: Final = EmulatorProcess(place, slow, mode=schedule.mode)
        self._life = contextlib.AsyncExitStack()
        self._running: Running | None = None
        self._switched: list[_Switched] = []
        self.aimed: list[Aimed] = []
        self.fired: collections.Counter[str] = collections.Counter()
        self._requests: dict[str, list[dict[str, Any]]] = {}  # of earlier lives: a process forgets them
        self._telling = asyncio.Lock()  # its list and ours are the same only between two calls
        self.lives = 0
        self._first = 1  # before what is switched on stands the slow line that each process begins with

    @property
    def url(self) -> str:
        return self._process.url

    @property
    def up(self) -> bool:
        return self._running is not None

    async def start(self) -> None:
        """Be there, with what was on before."""
        async with self._telling:
            self._running = await self._life.enter_async_context(self._process.started())
            self.lives += 1
            # The process counts anew from here.
            self._switched = [_Switched(each.rest()) for each in self._switched]
            for each in self._switched:
                await self._send("POST", each.plain)

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self.count()
        if self._running is not None:
            self._requests = {each["id"]: each["requests"] for each in await self.accounts()}
            await self._running.kill()
        self._running = None
        await self._life.aclose()

    async def strike(self, strike: Strike, *, video: str = "") -> None:
        """Switch a fault on."""
        plain: dict[str, Any] = {"name": strike.fault, **dict(strike.values)}
        if video:
            plain["video"] = video
            self.aimed.append(Aimed(video=video, strike=strike))
        async with self._telling:
            self._switched.append(_Switched(plain))
            await self._send("POST", plain)

    async def count(self) -> None:
        """Take note of how often each fault struck."""
        async with self._telling:
            told = (await self.ask("faults"))["active"][self._first :]
            for each, now in zip(self._switched, told, strict=True):
                self.fired[now["name"]] += now["fired"] - each.fired
                each.fired, each.matched = now["fired"], now["matched"]

    def struck(self, fault: str) -> int:
        """How often, as of the last count."""
        return self.fired[fault]

    async def calm(self) -> None:
        """Nothing is slow, and no fault is on any more, but for words about videos that are whole."""
        await self.count()
        async with self._telling:
            self._first = 0
            self._switched = [
                _Switched(each.rest())
                for each in self._switched
                if each.plain["name"] in weather.AIMED_AT_WHOLE
            ]
            await self._send("PUT", [each.plain for each in self._switched])

    @property
    def has_words(self) -> bool:
        """Whether there are such."""
        return any(aimed.strike.aim == "whole" for aimed in self.aimed)

    async def new_token(self) -> str:
        """A live one."""
        form = {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH_TOKEN,
            "client_secret": APPLICATION_SECRET_KEY,
        }
        data = urllib.parse.urlencode(form).encode()
        token: str = (await asyncio.to_thread(_request, f"{self.url}/oauth/token.do", "POST", data))[
            "access_token"
        ]
        return token

    @property
    def first_token(self) -> str:
        """The one that each new process has."""
        return ACCESS_TOKEN

    async def accounts(self) -> list[dict[str, Any]]:
        """Of every video there ever was, with the requests of all lives."""
        videos: list[dict[str, Any]] = await self.ask("videos")
        return [
            video | {"requests": self._requests.get(video["id"], []) + video["requests"]} for video in videos
        ]

    async def ask(self, what: str) -> Any:
        """Its account of itself."""
        return await self._process.ask(what)

    async def _send(self, method: str, what: Any) -> None:
        address = f"{self.url}/emulator/faults"
        await asyncio.to_thread(_request, address, method, json.dumps(what).encode())


def _request(url: str, method: str, data: bytes) -> Any:
    request = urllib.request.Request(url, data, method=method)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)
