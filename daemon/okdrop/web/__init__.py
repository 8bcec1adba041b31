"""The daemon's own HTTP: health, metrics, the API, and events as they happen.

server     listens, and lets go; how many may be connected
guard      who may ask at all: the name that was called, where a page came from, the token
daemon     what of the daemon is asked and told
looks      a look into the ledger beside the daemon's own work
uploads    pages of uploads, one of them, and orders about it
steering   pauses and limits
health     alive, ready, how it stands, metrics
stream     events, as they happen
openapi    what can be asked, and what is answered, for programs; schemas are the shapes of it
answers    JSON, and errors in words

A secret or an upload URL is in no answer: what is told is what `status --json` and the log tell.
"""

from okdrop.web.daemon import Daemon
from okdrop.web.looks import Looks
from okdrop.web.server import Listen, WebServer

__all__ = ["Daemon", "Listen", "Looks", "WebServer"]
