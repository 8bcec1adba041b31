"""`okdrop explain` beside a run: it looks, and disturbs nobody."""

from __future__ import annotations

import json
from typing import Any

from e2e.harness import KB, MB, received, until


async def test_a_file_is_explained_beside_a_run_and_without_credentials(start: Any) -> None:
    # So slow that it lasts longer than two commands take on any machine; it is killed in the end.
    emulator, daemon = await start(bytes_per_second=20 * KB, settings={"upload__segment_size": "64KiB"})
    file = daemon.file(b"line\n\xff.mp4", 10 * MB)
    async with daemon.started() as running:
        await until(lambda: received(emulator) > 20 * KB)
        daemon.set(ok__access_token=None, ok__application_secret_key=None, ok__application_key=None)
        told = await daemon.ends("explain", bytes(file), "--json")
        assert told.code == 0, told.err
        document = json.loads(told.out)
        assert (document["verdict"], document["upload"]["state"]) == ("is known already", "uploading")
        assert document["path"] == str(file)
        late = await daemon.ends("explain", bytes(daemon.file("late.mp4", 20 * KB)))
        assert (late.code, "would be taken" in late.out) == (0, True)
        assert running.process.returncode is None
        await running.kill()
