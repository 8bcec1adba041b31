"""What answers over HTTP look like, as JSON Schema (2020-12): the shapes of `okdrop.documents` and the desks.

A client has to pass over keys that it does not know: further ones may come. Values that are words of the
program's own are taken from where they are defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from okdrop.drop import Chore, State
from okdrop.inbox.settle import Cause
from okdrop.inbox.watching import Mode
from okdrop.publication import Closed, CoverState, Draft
from okdrop.steps import Outcome

if TYPE_CHECKING:
    import enum
    from collections.abc import Iterable

Schema: TypeAlias = dict[str, Any]

LARGEST: Final = 2**63 - 1


def text(says: str, **more: Any) -> Schema:
    """Any text."""
    return {"type": "string", "description": says, **more}


def whole(says: str, *, least: int = 0, **more: Any) -> Schema:
    """A whole number, of bytes or of anything that is counted."""
    return {"type": "integer", "minimum": least, "description": says, **more}


def number(says: str) -> Schema:
    """A number from 0 on."""
    return {"type": "number", "minimum": 0, "description": says}


def flag(says: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": says}


def moment(says: str) -> Schema:
    """RFC 3339, in UTC."""
    return text(says, format="date-time")


def word(kind: Iterable[enum.StrEnum | str], says: str) -> Schema:
    """One of the program's own words."""
    return {"type": "string", "enum": [str(one) for one in kind], "description": says}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    found = schema | {"type": [schema["type"], "null"]}
    if "enum" in schema:
        found["enum"] = [*schema["enum"], None]
    return found


def listed(items: Schema, says: str) -> Schema:
    """A list."""
    return {"type": "array", "items": items, "description": says}


def thing(says: str, /, **keys: Schema) -> Schema:
    """An object that has each of these keys."""
    return {"type": "object", "description": says, "properties": keys, "required": [*keys]}


def also(schema: Schema, /, **keys: Schema) -> Schema:
    """The same, with keys that are not always there."""
    return schema | {"properties": schema["properties"] | keys}


def counted(words: Iterable[enum.StrEnum], says: str) -> Schema:
    """How many by each word; one that is missing is 0."""
    return also(thing(says), **{str(one): whole("how many") for one in words})


def ref(name: str) -> Schema:
    """What is described under a name."""
    return {"$ref": f"#/components/schemas/{name}"}


PATH: Final = "an absolute path; a byte that is not UTF-8 stands as a lone surrogate, U+DCxx"
_ACCOUNT: Final = 'the name of an account; "" is that of [ok]'
_FOLDER: Final = 'a watched folder; "" is all uploads together'

_UPLOAD: Final[dict[str, Schema]] = {
    "id": whole("its number in the ledger", least=1),
    "path": text(PATH),
    "size": whole("bytes"),
    "state": word(State, "where it stands"),
    "video_id": text("OK's number of the video, which may pass 2^53; empty before there is one"),
    "received": whole("bytes that OK acknowledged, as far as was noted"),
    "attempts": whole("how often it was taken up"),
    "failure": maybe(
        thing(
            "why it stopped for good",
            code=text("stable, for programs"),
            message=text("what is wrong"),
            hint=text("what to do"),
        )
    ),
    "updated_at": moment("when it was written last"),
    "bytes_sent": whole("bytes put on the line for it, those sent again too"),
    "retry_at": maybe(moment("when it is due again")),
    "chore": maybe(word(Chore, "what is left to do after publishing")),
    "moved_to": maybe(text(PATH)),
    "held": flag("whether it waits for `okdrop go`"),
    "waits_for": maybe(whole("the id of an upload that may be of the same bytes", least=1)),
    "awaits": maybe(text("what publishing waits for though nothing is wrong")),
    "duplicate_of": maybe(whole("the id of the upload that published the same bytes", least=1)),
    "replaced_by": maybe(whole("the id of the upload that took over", least=1)),
    "account": text(_ACCOUNT),
    "waits_to_publish": maybe(word(Closed, "why it is not published though OK holds all of it")),
    "opens_at": maybe(moment("from when on it is published")),
    "posted_at": maybe(moment("when the call left, last, that published it or may have")),
    "draft": maybe(word(Draft, "how far a video has come that friends see first")),
    "public_at": maybe(moment("when it becomes public by itself")),
    "cover": maybe(word(CoverState, "how far the image has come that lies beside it")),
    "to_be_updated": flag("whether OK is to be told its metadata anew"),
}

_STEP: Final = thing(
    "what followed from what became of it",
    lane=text("hook:NAME, webhook:NAME or files"),
    event=text("what it is told of, or what is done"),
    outcome=maybe(word(Outcome, "how it ended; null while it is still to be done")),
    said=text("in words"),
    output=text("the last lines of a hook"),
    tries=whole("how often it was tried"),
    created_at=moment("when it was written down"),
    due_at=moment("when it is due"),
    done_at=maybe(moment("when it ended")),
)

_HISTORY: Final = {
    "at": moment("when"),
    "from": maybe(word(State, "null for a new row")),
    "to": word(State, "where it stands since"),
    "note": text("why"),
}

_HALT: Final[dict[str, Schema]] = {
    "code": text("stable, for programs"),
    "message": text("what is missing"),
    "hint": text("what to do"),
}

_STATUS: Final[dict[str, Schema]] = {
    "version": text("of okdrop"),
    "began_at": moment("when it was started"),
    "ready": flag("whether it can do what it is there for"),
    "reasons": listed(text("a sentence"), "why not"),
    "troubles": listed(text("a sentence"), "all that is wrong"),
    "paused_since": maybe(moment("since when a person has it pause")),
    "in_hand": whole("uploads that are being worked on"),
    "waiting": whole("uploads that are open, and not in hand"),
    "files_waiting": counted(Cause, "files that are not finished, by the reason"),
    "counts": thing("uploads, by state", **{str(state): whole("how many") for state in State}),
    "held": whole("uploads that wait for `okdrop go`"),
    "orphans": thing(
        "entries that abandoned tickets left at OK",
        waiting=whole("to be deleted"),
        given_up=whole("could not be"),
    ),
    "limits": listed(ref("Limit"), "of all, then of each watched folder"),
    "folders": listed(
        thing(
            "how a folder is watched",
            folder=text("for the eye: what cannot be shown is escaped"),
            watching=word(Mode, "the way"),
            mode=text("in words"),
        ),
        "those that were looked through",
    ),
    "hosts": listed(
        thing(
            "how a host is sent to",
            host=text("its name, with its port where the URL names one"),
            uploads=whole("that go there now"),
            connections=whole("segments at once"),
            in_flight=whole("segments on their way"),
            segment_size=whole("bytes"),
            goodput=number("bytes a second that were stored lately"),
        ),
        "upload hosts",
    ),
    "accounts": listed(
        thing(
            "how an account stands",
            account=text(_ACCOUNT),
            folders=whole("that send for it"),
            accepted=flag("whether OK accepted its credentials"),
            halted=maybe(thing("why all of it waits", **_HALT)),
        ),
        "all of the configuration",
    ),
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Error": thing("why it was refused", error=text("a sentence")),
    "Alive": also(
        thing("whether it is alive", alive=flag("else end it and start it anew")), reason=text("why not")
    ),
    "Ready": also(
        thing("whether it is ready", ready=flag("whether it can do what it is there for")),
        reasons=listed(text("a sentence"), "why not; missing without a token"),
    ),
    "Status": thing("how it stands", **_STATUS),
    "Waiting": thing(
        "files that are not finished",
        count=whole("how many"),
        reasons=counted(Cause, "how many by each reason"),
        files=listed(
            thing(
                "one of them",
                path=text(PATH),
                folder=text(_FOLDER),
                reason=word(Cause, "why it waits"),
                words=text("that in words"),
                seconds=number("for how long it has waited"),
            ),
            "those that have waited for the longest, first",
        ),
    ),
    "Upload": thing("one upload", **_UPLOAD),
    "UploadInFull": thing(
        "one upload, and what happened to it",
        **_UPLOAD,
        history=listed(thing("a step of its way", **_HISTORY), "oldest first"),
        steps=listed(_STEP, "oldest first"),
        halted=maybe(
            thing(
                "why all of its account waits",
                **_HALT,
                since=moment("since when"),
                account=text(_ACCOUNT),
            )
        ),
    ),
    "Uploads": thing(
        "a page of uploads",
        uploads=listed(ref("Upload"), "in the order that was asked for"),
        next=maybe(whole("`after` of the next page; null on the last", least=1)),
    ),
    "Said": thing("what came of an order", id=whole("of the upload", least=1), said=text("a sentence")),
    "Pause": thing("whether it pauses", paused_since=maybe(moment("since when"))),
    "Limit": thing(
        "a limit on what is sent",
        folder=text(_FOLDER),
        configured=text("a rate or a timetable; empty for none"),
        by_hand=maybe(text("what a person set; off for none")),
        since=maybe(moment("since when that holds")),
        rate=maybe(whole("bytes a second that hold now; null for no limit", least=1)),
    ),
    "Limits": thing("the limits", limits=listed(ref("Limit"), "of all, then of each watched folder")),
}
