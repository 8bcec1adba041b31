"""OK.ru's side as a real HTTP server on loopback, for tests, trials and demonstrations.

Written from what is known of the protocol alone: it shares nothing with the client, so that an error of
the one is not repeated by the other.

    async with Emulator(Options(data_dir=path)) as emulator:
        with emulator.faults.active("cut_after_bytes", bytes=10_000, times=3):
            ...  # let a client upload to emulator.api_url
        assert emulator.videos()[0]["published"]

`server` puts it together · `api`, `sessions`, `methods`, `signing` the REST side · `gate`, `segments`,
`intake`, `status`, `accounts`, `ranges`, `line` the upload host · `videos`, `store` what is kept ·
`fault_table`, `faults` what goes wrong · `control`, `page` what it tells of itself.
"""

from okdrop.emulator.account_forms import FreshForm, StatusForm
from okdrop.emulator.fault_table import FAULTS, Fault, UnknownFaultError
from okdrop.emulator.options import (
    ACCESS_TOKEN,
    APPLICATION_KEY,
    APPLICATION_SECRET_KEY,
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    EmulatorError,
    Mode,
    Options,
)
from okdrop.emulator.server import Emulator, serve

__all__ = [
    "ACCESS_TOKEN",
    "APPLICATION_KEY",
    "APPLICATION_SECRET_KEY",
    "AUTHORIZATION_CODE",
    "FAULTS",
    "REFRESH_TOKEN",
    "Emulator",
    "EmulatorError",
    "Fault",
    "FreshForm",
    "Mode",
    "Options",
    "StatusForm",
    "UnknownFaultError",
    "serve",
]
