"""Put a file away in a process that dies, as by a loss of power, right before its n-th touch of the disk.

python dying.py SOURCE TARGET KEY DIGEST N; exits with 9 if it died, with 0 if it came to its end before.
"""

from __future__ import annotations

import os
import sys
import threading

from okdrop.inbox import filing
from okdrop.inbox.errand import End, Errand
from okdrop.inbox.lease import prepare
from okdrop.inbox.revision import revision_at

TOUCHES = {"os.rename", "os.link", "os.remove", "os.chmod", "os.utime", "open"}


def main() -> None:
    source, target, key, digest, number = map(os.fsencode, sys.argv[1:])
    revision = revision_at(source)
    assert revision is not None
    errand = Errand(
        source=source,
        revision=revision,
        digest=bytes.fromhex(digest.decode()) or None,
        key=key.decode(),
        target=target or None,
    )
    prepare()
    left = int(number)

    def count(event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in TOUCHES:
            left -= 1
            if left == 0:
                os._exit(9)

    sys.addaudithook(count)
    assert filing.put_away(errand, threading.Event()) is End.DONE
    os._exit(0)


if __name__ == "__main__":
    main()
