"""The daemon's own HTTP: the page, health, metrics, the API, and events as they happen.

server     listens, and lets go
door       how many may be connected, and who goes for another
guard      who may ask at all: the name that was called, where a page came from, the token
sessions   a browser that showed the token once, and shows a cookie since
login      where a browser shows it
page       what a person sees: the files in static/, as they are
daemon     what of the daemon is asked and told
looks      a look into the ledger beside the daemon's own work
space      how much room there is where files lie
uploads    pages of uploads, one of them, and orders about it
figures    where bytes are, how quickly they leave, how much was published when
steering   pauses and limits
health     alive, ready, how it stands, metrics
stream     events, as they happen; beside them the pulse of what moves
openapi    what can be asked, and what is answered, for programs; schemas are the shapes of it, said by shapes
answers    JSON, and errors in words
troubles   bugs that answers met, told once in a while

A secret or an upload URL is in no answer: what is told is what `status --json` and the log tell.
"""

from okdrop.web.daemon import Daemon
from okdrop.web.looks import Looks
from okdrop.web.server import Listen, WebServer
from okdrop.web.space import Space

__all__ = ["Daemon", "Listen", "Looks", "Space", "WebServer"]
