from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import NoReturn

import pytest

from okdrop.inbox.own_thread import begun


async def test_work_gives_its_result_and_raises_its_error() -> None:
    def fail() -> NoReturn:
        raise OSError(5, "Input/output error")

    assert await begun(lambda: 42, name="work") == 42
    with pytest.raises(OSError, match="Input/output error"):
        await begun(fail, name="work")


async def test_work_that_is_no_longer_wanted_is_let_go_of() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def work() -> NoReturn:
        goes_on.wait(10)
        ended.set()
        raise OSError

    begun(work, name="work").cancel()
    goes_on.set()
    await asyncio.to_thread(ended.wait, 10)
    await asyncio.sleep(0)  # what it raised comes to nobody


async def test_work_that_hangs_takes_no_thread_from_others() -> None:
    end = threading.Event()
    for _ in range(100):
        begun(end.wait, name="hangs")
    assert await asyncio.to_thread(lambda: "there is a thread") == "there is a thread"
    end.set()


HANGING = """
import asyncio, threading
from okdrop.inbox.own_thread import begun
async def main():
    begun(threading.Event().wait, name="hangs")
asyncio.run(main())
"""


def test_work_that_hangs_does_not_keep_the_process_from_its_end() -> None:
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=20)
