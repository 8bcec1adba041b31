"""What a person decides while it runs outlives whoever wrote it down."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from okdrop.ledger import BANDWIDTH, LOG_LEVEL, PAUSED, Ledger, Override, read_only

if TYPE_CHECKING:
    from ledger.making import Clock


async def test_a_name_and_a_folder_have_one_value_which_the_last_word_is(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as ledger:
        assert await ledger.overrides() == []
        await ledger.override(BANDWIDTH, "1MiB/s")
        await ledger.override(BANDWIDTH, "3MiB/s", folder="/srv/drop")
        await ledger.override(PAUSED, "yes")
        await ledger.override(BANDWIDTH, "2MiB/s")
        since = clock()
    wanted = [
        Override(name=BANDWIDTH, value="2MiB/s", since=since),
        Override(name=BANDWIDTH, folder="/srv/drop", value="3MiB/s", since=since),
        Override(name=PAUSED, value="yes", since=since),
    ]
    with read_only(url) as reader:
        assert reader.overrides(since) == wanted


async def test_what_is_taken_back_is_gone_and_the_rest_stays(ledger: Ledger) -> None:
    await ledger.override(BANDWIDTH, "1MiB/s")
    await ledger.override(BANDWIDTH, "3MiB/s", folder="/srv/drop")
    await ledger.override(BANDWIDTH, None)
    await ledger.override(PAUSED, None)  # was not there: no error
    assert [(one.folder, one.value) for one in await ledger.overrides()] == [("/srv/drop", "3MiB/s")]


async def test_what_has_an_end_stands_until_then(url: str, clock: Clock) -> None:
    async with await Ledger.open(url, now=clock) as ledger:
        until = clock() + timedelta(hours=1)
        await ledger.override(LOG_LEVEL, "debug", until=until)
        await ledger.override(PAUSED, "yes")
        found = {one.name: one.until for one in await ledger.overrides()}
        assert found == {LOG_LEVEL: until, PAUSED: None}
        clock.forward(hours=1)
        assert [one.name for one in await ledger.overrides()] == [PAUSED]
        with read_only(url) as reader:
            assert [one.name for one in reader.overrides(until)] == [PAUSED]
        await ledger.override(LOG_LEVEL, "warning")  # whatever stood there before
        assert [one.name for one in await ledger.overrides()] == [LOG_LEVEL, PAUSED]
