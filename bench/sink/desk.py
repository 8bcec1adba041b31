"""A request's answer: the upload URL (protocol.md 1.3, 4), and as much of the API as an upload needs."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from bench.sink.streams import Ended
from okdrop.emulator.ranges import ContentRange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.sink.arrivals import Arrivals
    from bench.sink.streams import Reader
    from bench.sink.videos import Video, Videos

_REASONS: Final = {200: "OK", 201: "Created", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
_LIFETIME: Final = 86_400_000  # milliseconds that an upload URL is good for


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a request."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __bytes__(self) -> bytes:
        body = self.body.encode()
        lines = [f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A request's first line and its headers, names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, raw: bytes) -> Head:
        """Read what stands before the empty line.

        Raises:
            ValueError: it is no request.
        """
        first, *lines = raw.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        pairs = (line.partition(":") for line in lines)
        return cls(method, path, query, {name.lower(): value.strip() for name, _, value in pairs})

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return int(self.headers.get("content-length", "0"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Answers requests.

    Args:
        videos: where it is written down.
        arrivals: and when.
        url: where this server is reached, `http://127.0.0.1:PORT`.
        delay: seconds that every answer takes.
        sequential: take the next byte only, whatever is asked for.
        refuses: say to every call of the API that its token is no good.
    """

    videos: Videos
    arrivals: Arrivals
    url: Callable[[], str]
    delay: float = 0.0
    sequential: bool = False
    refuses: bool = False

    def answer(self, reader: Reader) -> None:
        """Take one request from its head to its answer.

        Raises:
            Ended: the connection ended before.
            ValueError: what came is no request.
        """
        head = Head.parse(reader.head())
        if head.headers.get("expect", "").lower() == "100-continue":
            reader.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if head.path.startswith("/sink/"):
            answer = self._own(head.path.removeprefix("/sink/"), dict(parse_qsl(head.query)))
        else:
            answer = self._played(head, reader)
            if self.delay:
                time.sleep(self.delay)
        reader.send(bytes(answer))

    def _played(self, head: Head, reader: Reader) -> Answer:
        if head.path == "/fb.do":
            text = f"{head.query}&{reader.body(head.length).decode()}"
            return self._call(dict(parse_qsl(text, keep_blank_values=True)))
        video = self.videos.get(dict(parse_qsl(head.query)).get("id", ""))
        if head.path != "/upload.do" or video is None:
            reader.drop(head.length)
            return Answer(403, headers={"X-Reason": "signature"})
        if head.method == "GET":
            return self._status(head, video)
        return self._take(head, reader, video)

    # --- the upload URL -------------------------------------------------------------------------------

    def _is_parallel(self, head: Head) -> bool:
        return not self.sequential and head.headers.get("x-uploading-mode", "").lower() == "parallel"

    def _status(self, head: Head, video: Video) -> Answer:
        video.probes += 1
        if not video.held.items:
            return Answer(404)
        if self._is_parallel(head):
            return Answer(200, headers={"Range": ",".join(video.held.listing(video.size or None))})
        return Answer(200, ",".join(video.held.below(video.held.prefix).listing(video.size or None)))

    def _take(self, head: Head, reader: Reader, video: Video) -> Answer:
        if not {"content-range", "content-disposition"} <= head.headers.keys():
            return self._refuse(head, reader, 412)
        span = ContentRange.parse(head.headers["content-range"])
        if span is None or span.total != (video.size or span.total):
            return self._refuse(head, reader, 400)
        parallel = self._is_parallel(head)
        out_of_turn = not parallel and (video.in_flight or span.start != video.held.prefix)
        if span.size != head.length or out_of_turn:
            return self._refuse(head, reader, 416, last_known_byte(video))
        video.size = span.total
        held = self.videos.begin(video, span.start, span.stop)
        taken = 0
        try:
            reader.drop(span.size)
            taken = span.size
        except Ended as ended:
            taken = ended.taken
            raise
        finally:
            self.videos.end(video, span.start, span.start + taken, held)
        status = 200 if video.is_whole else 201
        if not parallel:
            return Answer(status, headers=last_known_byte(video))
        listing = ",".join(video.held.listing(video.size))
        return Answer(status, listing, {"Range": listing})

    def _refuse(
        self, head: Head, reader: Reader, status: int, headers: Mapping[str, str] | None = None
    ) -> Answer:
        reader.drop(head.length)
        return Answer(status, headers=headers or {})

    # --- the API --------------------------------------------------------------------------------------

    def _call(self, parameters: Mapping[str, str]) -> Answer:
        method = parameters.get("method", "")
        self.videos.called(method)
        if self.refuses:
            return _error(103, "PARAM_SESSION_KEY : refused")
        video = self.videos.get(parameters.get("vid") or parameters.get("vids", ""))
        match method:
            case "video.getUploadUrl":
                video = self.videos.create(
                    parameters.get("file_name", ""), int(parameters.get("file_size", "0"))
                )
                expires = int(time.time() * 1000) + _LIFETIME
                url = f"{self.url()}/upload.do?sig=none&expires={expires}&id={video.id}"
                return _json({"video_id": video.id, "upload_url": url})
            case "video.update" if video is not None:
                self.videos.publish(video)
                return Answer(200, headers=_JSON)
            case "video.get":
                status = "OK" if video is not None and video.is_whole else "UPLOADING"
                found = [] if video is None else [{"id": str(video.id), "status": status}]
                return _json({"videos": found})
            case "video.delete":
                return Answer(200, headers=_JSON)
            case "users.getCurrentUser":
                return _json({"uid": "1", "name": "Nobody"})
            case _:
                return self._unknown(method)

    def _unknown(self, method: str) -> Answer:
        return _error(300 if method == "video.update" else 3, "NOT_FOUND : unknown")

    # --- the benchmark's own questions ----------------------------------------------------------------

    def _own(self, name: str, wanted: Mapping[str, str]) -> Answer:
        if name == "videos":
            return _json(self.videos.accounts(after=int(wanted.get("after", "0"))))
        if name == "summary":
            return _json(self.videos.summary())
        if name == "arrivals":
            return _json(self.arrivals.taken())
        if name == "new":
            video = self.videos.create("bench", 0)
            return _json({"id": video.id, "upload_url": f"{self.url()}/upload.do?sig=none&id={video.id}"})
        if name == "wait":
            seconds = float(wanted.get("seconds", "10"))
            return _json(self.videos.wait(wanted["what"], int(wanted["count"]), seconds))
        return Answer(404)


def last_known_byte(video: Video) -> dict[str, str]:
    """The header of that name; absent where the first byte is missing."""
    return {"X-Last-Known-Byte": str(video.held.prefix - 1)} if video.held.prefix else {}


_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


def _json(value: Any) -> Answer:
    return Answer(200, json.dumps(value), _JSON)


def _error(code: int, text: str) -> Answer:
    body = json.dumps({"error_code": code, "error_msg": text, "error_data": None})
    return Answer(200, body, _JSON | {"Invocation-Error": str(code)})
