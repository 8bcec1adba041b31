"""The configuration: one frozen tree, complete after `load`; nobody else reads the environment.

    file (TOML) ──► environment over it ──► secrets filled in ──► checked ──► Config
    `loading`       `environment`           `credentials`         `model`, whose kinds of value are `fields`

What is wrong is told by `problems`, in one line.
"""

from okdrop.config.account import Account
from okdrop.config.bandwidth import Bandwidth
from okdrop.config.credentials import secret_in
from okdrop.config.fields import is_loopback
from okdrop.config.loading import DEFAULT_PATH, chosen_file, file_read, load
from okdrop.config.model import (
    SECRET_FILES,
    SECRETS,
    Config,
    Ledger,
    Log,
    LogFormat,
    LogLevel,
    Network,
    Ok,
    Retry,
    UploadMode,
    UploadSettings,
    Web,
)
from okdrop.config.unheeded import unheeded
from okdrop.config.watch import After, Existing, Intake, Publish, Unfinished, Watch
from okdrop.config.window import PublishWindow

__all__ = [
    "DEFAULT_PATH",
    "SECRETS",
    "SECRET_FILES",
    "Account",
    "After",
    "Bandwidth",
    "Config",
    "Existing",
    "Intake",
    "Ledger",
    "Log",
    "LogFormat",
    "LogLevel",
    "Network",
    "Ok",
    "Publish",
    "PublishWindow",
    "Retry",
    "Unfinished",
    "UploadMode",
    "UploadSettings",
    "Watch",
    "Web",
    "chosen_file",
    "file_read",
    "is_loopback",
    "load",
    "secret_in",
    "unheeded",
]
