"""Everything that can go wrong, and what it asks of us.

An error knows its *verdict* (what the pipeline does), a stable *code* (what metrics, the ledger and
`status --json` show) and a *hint* (what a person can do). Foreign exceptions stop at the adapter that
met them and become one of these; nothing else crosses a module's border.

    OkdropError
    ├── ConfigurationError      the configuration cannot be used; names the key, its value, what would do
    ├── LedgerError             the ledger cannot be opened, is locked, too new, or its disk is full
    ├── LocalProtocolError      a bug of ours: the session was used against its rules
    └── UploadError             something stopped one upload, or all of them
        ├── Trouble             retry    passing: the line, the host, the API is busy
        ├── Doubt               resync   what the server holds is unknown: ask it
        ├── TicketDead          restart  this upload URL is of no more use: a new ticket
        ├── SourceChanged       (superseded) the file is another revision than the one being sent
        ├── GaveUp              give up  this upload cannot succeed without a person
        └── Halted              halt     credentials or permission: the pool pauses, nothing fails

Verdicts are those of the design: they belong to the (method, code) pair, and `protocol.verdicts` holds
that table for OK's API.
"""

from __future__ import annotations

import enum


class Verdict(enum.StrEnum):
    """What an error asks the pipeline to do."""

    RETRY = "retry"
    RESYNC = "resync"
    RESTART = "restart"
    SUPERSEDE = "supersede"
    GIVE_UP = "give up"
    HALT = "halt"


class OkdropError(Exception):
    """The base of every error of this package.

    Args:
        message: what happened, in the user's words; it never holds a secret or a signed URL.
        code: a stable identifier, fit for a metric's label.
        hint: what a person can do about it; may be empty.
    """

    code = "error"
    hint = ""

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.hint = hint or type(self).hint

    def __str__(self) -> str:
        return self.message


class ConfigurationError(OkdropError):
    """The configuration cannot be used; the command ends with exit code 2."""

    code = "configuration"


class LedgerError(OkdropError):
    """The ledger cannot be opened, read or written."""

    code = "ledger"


class LocalProtocolError(OkdropError):
    """A bug of ours: the upload session was driven against its rules."""

    code = "local_protocol"


class UploadError(OkdropError):
    """Something stopped an upload; `verdict` says what to do about it."""

    code = "upload"
    verdict = Verdict.RETRY


class Trouble(UploadError):
    """Passing trouble: try again after a delay.

    Args:
        message: what happened.
        code: a stable identifier.
        hint: what a person can do about it.
        retry_after: seconds the other side asked us to wait (Retry-After), or None.
        long: wait `max_delay` at once (a flood limit, say), rather than climb to it.
        tries: how many times in a row this may happen before it is final; None: for ever.
        maybe_done: the request may have taken effect although no answer says so.
    """

    code = "trouble"
    verdict = Verdict.RETRY

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        hint: str = "",
        retry_after: float | None = None,
        long: bool = False,
        tries: int | None = None,
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_after = retry_after
        self.long = long
        self.tries = tries
        self.maybe_done = maybe_done


class Doubt(UploadError):
    """What the server holds is unknown; a probe tells."""

    code = "doubt"
    verdict = Verdict.RESYNC


class TicketDead(UploadError):
    """The ticket (video id and upload URL) is of no more use; a new one is needed."""

    code = "ticket_dead"
    verdict = Verdict.RESTART


class SourceChanged(UploadError):
    """The file is no longer the revision that is being sent; a newer row takes over."""

    code = "source_changed"
    verdict = Verdict.SUPERSEDE


class GaveUp(UploadError):
    """This upload cannot succeed without a person."""

    code = "gave_up"
    verdict = Verdict.GIVE_UP


class Halted(UploadError):
    """Credentials or a permission are missing: everything waits, nothing fails."""

    code = "halted"
    verdict = Verdict.HALT
