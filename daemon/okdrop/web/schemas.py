"""What answers over HTTP look like, as JSON Schema (2020-12): the shapes of `okdrop.documents` and the desks.

A client has to pass over keys that it does not know: further ones may come. Values that are words of the
program's own are taken from where they are defined.
"""

from __future__ import annotations

from typing import Final

from okdrop.config import LogLevel
from okdrop.drop import Chore, Mode, State
from okdrop.inbox.settle import Cause
from okdrop.inbox.watching import Mode as Way
from okdrop.publication import Closed, CoverState, Draft
from okdrop.steps import Outcome
from okdrop.web.shapes import (
    Schema,
    also,
    counted,
    flag,
    listed,
    maybe,
    moment,
    number,
    ref,
    text,
    thing,
    whole,
    word,
)

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
    "title": maybe(text("what OK was told, or is told; null where that is not known, or not known yet")),
    "privacy": maybe(text("for whom, by what OK was told: PUBLIC or FRIENDS; null as above")),
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
    lane=text("hook:NAME, webhook:NAME, notify:NAME or files"),
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
    "log": ref("Log"),
    "limits": listed(ref("Limit"), "of all, then of each watched folder"),
    "quotas": listed(
        thing(
            "how many videos may be posted today, and were",
            folder=text(_FOLDER),
            posts_per_day=whole("that may be", least=1),
            posted_today=whole("that were, or may have been"),
        ),
        "of all, and of watched folders, where such a limit is set",
    ),
    "folders": listed(
        thing(
            "how a folder does",
            folder=text("as it is configured"),
            watching=maybe(word(Way, "the way it is watched; null before it was looked through")),
            mode=text("that in words"),
            writers=text("whether writers can be seen there; empty before that was found out"),
            scanned_at=maybe(moment("when the last look through all of it ended")),
            scan_seconds=maybe(number("how long that took")),
            away=maybe(text("why it is waited for")),
            hint=text("what to do about that"),
            free=maybe(whole("bytes of its file system that may be used; null where that is not known")),
            total=maybe(whole("bytes of its file system")),
        ),
        "all that are watched",
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
            troubles=whole("requests that had no answer, or a 5xx or 429, since it is remembered"),
            mode=maybe(word(Mode, "how it takes segments, where that was found within a day")),
        ),
        "upload hosts",
    ),
    "accounts": listed(
        thing(
            "how an account stands",
            account=text(_ACCOUNT),
            folders=whole("that send for it"),
            accepted=flag("whether OK accepted its credentials"),
            in_use_since=moment("since when this process uses them"),
            expires_at=maybe(moment("when they end, where that is known")),
            halted=maybe(thing("why all of it waits", **_HALT)),
        ),
        "all of the configuration",
    ),
    "videos_at": text("what a video's id is put behind to see it; empty where OK is played by another host"),
    "signed_in": flag("whether this was asked with the cookie of a browser"),
    "may_change": flag("whether what was shown lets change something, and not look on alone"),
}

_SPAN: Final = listed(whole("where it starts, and where it stops"), "bytes, half open") | {
    "minItems": 2,
    "maxItems": 2,
}
_SEGMENT: Final = listed(whole("the same, and how many of its bytes were put on the line"), "bytes") | {
    "minItems": 3,
    "maxItems": 3,
}

_PULSE: Final[dict[str, Schema]] = {
    "in_hand": whole("uploads that are being worked on"),
    "waiting": whole("uploads that are open, and not in hand"),
    "speed": whole("bytes a second that leave, lately"),
    "sending": listed(
        thing(
            "where the bytes of one of them are; what is in no span is still to be sent",
            id=whole("of the upload", least=1),
            path=text(PATH),
            host=text("where its bytes go; empty before there is a ticket"),
            size=whole("bytes"),
            received=whole("bytes that OK holds"),
            sent=whole("bytes put on the line so far, those sent again too"),
            mode=maybe(word(Mode, "how they go; null while that is found out")),
            held=listed(_SPAN, "OK acknowledged them"),
            in_flight=listed(_SEGMENT, "segments that are out"),
            doubtful=listed(_SPAN, "their answer was lost"),
            again=listed(_SPAN, "they left more than once, on this ticket and by this process"),
        ),
        "uploads in hand",
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
    "Upload": thing(
        "one upload of a page",
        **_UPLOAD,
        reason=maybe(text("why it has to be tried again later")),
    ),
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
    "Sending": thing("what moves", **_PULSE),
    "Speed": thing(
        "the last hour",
        now=moment("the time there"),
        step=number("seconds of one step"),
        passed=number("seconds of the last step that are over"),
        bytes=listed(whole("how many left"), "in each step, the oldest first"),
    ),
    "Published": thing(
        "what was published when",
        since=moment("from when on"),
        hours=listed(
            thing("an hour", at=moment("its begin"), files=whole("how many"), bytes=whole("of them")),
            "the oldest first, those without anything left out",
        ),
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
    "Log": thing(
        "which lines of the log are written",
        level=word(LogLevel, "those of this level and above"),
        configured=word(LogLevel, "what is configured"),
        by_hand=maybe(word(LogLevel, "what a person set")),
        since=maybe(moment("since when that holds")),
        until=maybe(moment("when it ends by itself; null for never")),
    ),
    "Limits": thing("the limits", limits=listed(ref("Limit"), "of all, then of each watched folder")),
}
