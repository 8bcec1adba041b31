"""What the methods of the API do: those few that an uploader needs (protocol.md 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from okdrop.emulator.api_error import ApiError
from okdrop.emulator.options import MINIMUM_FILE_SIZE
from okdrop.emulator.photos import Photos
from okdrop.emulator.videos import Details, Stage, Video

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from okdrop.emulator.gate import Gate

_LIMITS: Final = {"title": 1000, "description": 4000, "tags": 1000}  # characters (protocol.md 2.2)
_PRIVACY: Final = frozenset({"PUBLIC", "FRIENDS"})
_UNKEPT: Final = frozenset(
    {"method", "format", "sig", "access_token", "session_key", "application_key", "call_id", "__online"}
)


class Methods:
    """The methods by their names.

    Args:
        gate: options, store, faults and clock.
        base_url: tells where the upload host is reached; known once the emulator listens.
    """

    def __init__(self, gate: Gate, base_url: Callable[[], str]) -> None:
        self._gate = gate
        self._base_url = base_url
        self.photos: Final = Photos(gate.options.data_dir, seed=gate.options.seed)
        self._known: Final[Mapping[str, Callable[[Mapping[str, str]], Any]]] = {
            "video.getUploadUrl": self._get_upload_url,
            "video.update": self._update,
            "video.get": self._get,
            "video.delete": self._delete,
            "users.getCurrentUser": self._current_user,
            "photosV2.getUploadUrl": self._get_photo_url,
        }

    def call(self, name: str, parameters: Mapping[str, str]) -> Any:
        """Carry out a method; None stands for an empty answer.

        Raises:
            ApiError: 3 for a method nobody knows, or what the method itself says.
        """
        method = self._known.get(name)
        if method is None:
            raise ApiError(3, "method does not exist")
        return method(parameters)

    def _get_upload_url(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        options = self._gate.options
        size = _whole_number(parameters, "file_size", default="0")
        if 0 < size < MINIMUM_FILE_SIZE:
            raise ApiError(100, "FileToSmall")
        if size > options.maximum_file_size:
            raise ApiError(100, "FileToLarge")
        video = self._gate.store.create(
            name=parameters.get("file_name", ""),
            size=size,
            request={key: value for key, value in parameters.items() if key not in _UNKEPT},
            expires_at=self._gate.clock() + options.url_lifetime,
            owner=self._user(parameters),
        )
        return {
            "video_id": str(video.id) if options.text_ids else video.id,
            "upload_url": f"{self._base_url()}/upload.do?{video.ticket.query}",
        }

    def _update(self, parameters: Mapping[str, str]) -> None:
        video = self._video(parameters)
        if not video.is_whole:
            raise ApiError(100, "video is not uploaded yet")
        for key, limit in _LIMITS.items():
            if len(parameters.get(key, "")) > limit:
                raise ApiError(100, f"{key} is longer than {limit}")
        if parameters.get("privacy", "PUBLIC") not in _PRIVACY:
            raise ApiError(100, "privacy")
        before, cover = video.details, self.photos.cover(parameters)
        video.details = Details(
            title=parameters.get("title", before.title),
            description=parameters.get("description", before.description),
            tags=parameters.get("tags", before.tags),
            privacy=parameters.get("privacy", before.privacy),
            published=True,
            updates=before.updates + 1,
            cover=before.cover if cover is None else cover,
        )
        self._gate.store.save(video)

    def _get_photo_url(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        if parameters.get("count", "1") != "1":
            raise ApiError(100, "count")  # one is all that this stand-in needs
        photo = self.photos.create()
        return {"photo_ids": [photo.id], "upload_url": f"{self._base_url()}/photo.do?{photo.query}"}

    def _get(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Ids that nobody knows are left out of the list."""
        if not parameters.get("vids"):
            raise ApiError(100, "vids")
        found = [self._gate.store.get(each.strip()) for each in parameters["vids"].split(",")]
        user = self._user(parameters)
        seen = [video for video in found if video is not None and video.owner == user]
        return {"videos": [self._described(video) for video in seen]}

    def _described(self, video: Video) -> dict[str, Any]:
        self._process(video)
        other = self._gate.faults.take("video_status", "told", str(video.id))
        return {
            "id": str(video.id),
            "title": video.details.title or video.name,
            "status": other.text("status") if other else video.status,
            "permalink": f"{self._base_url()}/emulator/videos/{video.id}/content",
        }

    def _process(self, video: Video) -> None:
        """Let a whole video grow ready, look by look and second by second."""
        if video.stage is not Stage.PROCESSING or video.whole_at is None:
            return
        options = self._gate.options
        video.looks += 1
        waited = self._gate.clock() - video.whole_at
        if video.looks > options.processing_looks and waited >= options.processing_seconds:
            other = self._gate.faults.take("final_status", "processed", str(video.id))
            video.final_status = other.text("status") if other else "OK"
            video.stage = Stage.FINAL
        self._gate.store.save(video)

    def _delete(self, parameters: Mapping[str, str]) -> None:
        self._gate.store.delete(self._video(parameters))

    def _current_user(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        return {"uid": "1", "name": self._user(parameters) or "Emulated User", "locale": "en"}

    def _user(self, parameters: Mapping[str, str]) -> str:
        return self._gate.options.user_of(parameters.get("access_token", ""))

    def _video(self, parameters: Mapping[str, str]) -> Video:
        """The video that `vid` names.

        Raises:
            ApiError: 100 where it is no id, 300 where nobody knows it, 10 where it is another user's.
        """
        video = self._gate.store.get(str(_whole_number(parameters, "vid")))
        if video is None:
            raise ApiError(300, "video")
        if video.owner != self._user(parameters):
            raise ApiError(10, "video")
        return video


def _whole_number(parameters: Mapping[str, str], key: str, default: str = "") -> int:
    text = parameters.get(key, default)
    if not (text.isascii() and text.isdecimal()):
        raise ApiError(100, key)
    return int(text)
