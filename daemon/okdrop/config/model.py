"""The tree of the configuration: every key, its kind, its default.

Everything is frozen and complete: nobody who holds a `Config` has to look anywhere else. What is secret is a
`SecretStr`, so that neither `repr` nor a dump shows it; and so are the URLs that may hold a password.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator

from okdrop.config.account import Account, Accounts, check_apart, check_known, check_names
from okdrop.config.bandwidth import Bandwidth
from okdrop.config.fields import (
    ApiUrl,
    Connections,
    Flag,
    HostName,
    HostPattern,
    Identifier,
    LedgerUrl,
    Limit,
    Listen,
    OptionalMoment,
    OptionalPath,
    PositiveSeconds,
    Program,
    Proxy,
    Seconds,
    SegmentSize,
    Size,
    Token,
    is_loopback,
    listen_address,
    whole,
)
from okdrop.config.notices import Hook, Webhook, check_listeners
from okdrop.config.notify import Notify
from okdrop.config.section import Section
from okdrop.config.watch import Intake, Watch, check_places
from okdrop.metadata import Settings

SECRETS: Final = ("access_token", "application_secret_key", "session_secret_key", "refresh_token")
"""The keys of `[ok]`, and of each account, that may also come from a `*_file` key or the service manager's
credentials folder.
"""

SECRET_FILES: Final = {("ok", name): name for name in SECRETS} | {
    ("web", name): f"web_{name}" for name in ("token", "view_token")
}
"""Every key that may come so, by section and name → what it is called in the credentials folder; those of an
account are called as those of `[ok]`, with its name behind a dot.
"""


TABLES: Final = {"watch": Watch, "hook": Hook, "webhook": Webhook, "notify": Notify}
"""The sections of which there may be any number, each in two brackets; all else there is once."""

SECRET_OF: Final = {"webhook": "secret", "notify": "url"}
"""Which key of such a table is a secret. It too may come from the environment, a `*_file` key, or the
credentials folder, where it is called `SECTION_NAME`.
"""


class UploadMode(enum.StrEnum):
    """How bytes are sent."""

    RENEWABLE = "renewable"  #: in segments, can be resumed
    MULTIPART = "multipart"  #: one request, 2 GB at most, cannot be resumed


class Order(enum.StrEnum):
    """Which of several files goes first."""

    OLDEST = "oldest"  #: by the time at which it was last written
    NEWEST = "newest"
    SMALLEST = "smallest"
    LARGEST = "largest"


class LogFormat(enum.StrEnum):
    """How a line of the log looks."""

    AUTO = "auto"  #: for the console on a terminal, else JSON
    JSON = "json"
    CONSOLE = "console"


class LogLevel(enum.StrEnum):
    """What is worth a line."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Ok(Section):
    """OK.ru: who we are there, and where it is."""

    application_key: Identifier = ""
    application_id: Identifier = ""
    api_url: ApiUrl = "https://api.ok.ru"
    upload_hosts: tuple[HostPattern, ...] = ("*.okcdn.ru", "*.mycdn.me", "*.ok.ru", "*.odnoklassniki.ru")
    access_token: Token = SecretStr("")
    access_token_expires: OptionalMoment = None
    application_secret_key: Token = SecretStr("")
    session_secret_key: Token = SecretStr("")
    refresh_token: Token = SecretStr("")
    access_token_file: OptionalPath = None
    application_secret_key_file: OptionalPath = None
    session_secret_key_file: OptionalPath = None
    refresh_token_file: OptionalPath = None


class Network(Section):
    """The way out."""

    proxy: Proxy = SecretStr("")
    ca_file: OptionalPath = None


class MetadataSettings(Section):
    """How it is found out what a video is called."""

    ffprobe: Program = "ffprobe"


class UploadSettings(Section):
    """How bytes are sent."""

    mode: UploadMode = UploadMode.RENEWABLE
    workers: Annotated[int, BeforeValidator(whole(1, 64))] = 2
    order: Order = Order.OLDEST
    connections: Connections = "auto"
    segment_size: SegmentSize = "auto"
    posts_per_day: Annotated[int, BeforeValidator(whole(0, 999_999))] = 0
    bandwidth: Limit = Bandwidth()
    stall_timeout: PositiveSeconds = 30.0
    answer_timeout: PositiveSeconds = 120.0
    drain_timeout: Seconds = 8.0
    gentle_reads: Flag = False


class Retry(Section):
    """How long to wait after trouble."""

    first_delay: PositiveSeconds = 1.0
    max_delay: PositiveSeconds = 300.0

    @field_validator("max_delay")
    @classmethod
    def _not_below_first(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("first_delay", 0.0):
            raise ValueError("must not be shorter than retry.first_delay")
        return value


class Ledger(Section):
    """Where it is written down what was uploaded."""

    url: LedgerUrl = SecretStr("sqlite:////var/lib/okdrop/ledger.db")
    keep_history: Seconds = 90 * 86400.0


class Disk(Section):
    """The room where the ledger and the watched folders lie."""

    low: Size = 1024**3


class Web(Section):
    """The page, the API and the metrics."""

    listen: Listen = "127.0.0.1:8480"
    token: Token = SecretStr("")
    token_file: OptionalPath = None
    view_token: Token = SecretStr("")
    view_token_file: OptionalPath = None
    hosts: tuple[HostName, ...] = ()

    @field_validator("token")
    @classmethod
    def _needed_in_public(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        listen = info.data.get("listen", "")
        if (info.context or {}).get("no_secrets"):
            return value  # nobody is going to listen, and whether there is one was not looked at
        if listen and not is_loopback(listen_address(listen)[0]) and not value.get_secret_value():
            raise ValueError("set a token, as web.listen is open to other machines; or listen on 127.0.0.1")
        return value

    @field_validator("view_token")
    @classmethod
    def _beside_the_token(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        token, shown = info.data.get("token"), value.get_secret_value()
        if not shown or token is None or (info.context or {}).get("no_secrets"):
            return value
        if shown == token.get_secret_value():
            raise ValueError("must be another one than web.token, which lets change everything")
        if not token.get_secret_value():
            raise ValueError("needs web.token beside it: without one everybody may change everything")
        return value

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port to listen on; None: switched off."""
        return listen_address(self.listen) if self.listen else None


class Log(Section):
    """The log, on standard error."""

    format: LogFormat = LogFormat.AUTO
    level: LogLevel = LogLevel.INFO


class Config(Section):
    """The whole configuration."""

    ok: Ok = Ok()
    account: Accounts = Field(default_factory=dict)  # before `watch`, whose folders name them
    network: Network = Network()
    intake: Intake = Intake()  # before `watch`, whose folders inherit from it
    watch: tuple[Watch, ...] = ()
    hook: tuple[Hook, ...] = ()
    webhook: tuple[Webhook, ...] = ()
    notify: tuple[Notify, ...] = ()
    metadata: MetadataSettings = MetadataSettings()
    upload: UploadSettings = UploadSettings()
    retry: Retry = Retry()
    ledger: Ledger = Ledger()
    disk: Disk = Disk()
    web: Web = Web()
    log: Log = Log()

    @property
    def accounts(self) -> dict[str, Ok]:
        """Every account by its name, complete; that of `[ok]` is called ""."""
        return {"": self.ok} | {name: account.beside(self.ok) for name, account in self.account.items()}

    @property
    def limits(self) -> dict[str, Bandwidth]:
        """The limits on what is sent: of all (""), and of each watched folder."""
        return {"": self.upload.bandwidth} | {str(watch.path): watch.bandwidth for watch in self.watch}

    @property
    def videos(self) -> dict[str, Settings]:
        """What each watched folder says of its videos, by its path; "" stands for every other place."""
        said = {"": Settings()} | {str(watch.path): watch.metadata for watch in self.watch}
        return {
            folder: dataclasses.replace(one, ffprobe=self.metadata.ffprobe) for folder, one in said.items()
        }

    @field_validator("account", mode="before")
    @classmethod
    def _well_named(cls, value: object) -> object:
        if isinstance(value, dict):
            check_names([*value])
        return value

    @field_validator("account")
    @classmethod
    def _each_once(cls, value: dict[str, Account], info: ValidationInfo) -> dict[str, Account]:
        ok = info.data.get("ok")
        if isinstance(ok, Ok):
            check_apart({"": ok} | {name: account.beside(ok) for name, account in value.items()})
        return value

    @field_validator("watch", mode="before")
    @classmethod
    def _inherit(cls, value: object, info: ValidationInfo) -> object:
        intake = info.data.get("intake")
        if not isinstance(value, (list, tuple)) or not isinstance(intake, Intake):
            return value
        inherited: dict[str, Any] = {"suffixes": intake.suffixes, "ignore": intake.ignore}
        return [inherited | entry if isinstance(entry, dict) else entry for entry in value]

    @field_validator("watch")
    @classmethod
    def _apart(cls, watches: tuple[Watch, ...], info: ValidationInfo) -> tuple[Watch, ...]:
        check_places(watches)
        if "account" in info.data:  # else that is complained of
            check_known(watches, info.data["account"])
        return watches

    @field_validator("hook", "webhook", "notify")
    @classmethod
    def _known(cls, value: tuple[Any, ...], info: ValidationInfo) -> tuple[Any, ...]:
        check_listeners(info.field_name or "", value, info.data.get("watch", ()))
        return value
