from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.talk import Talk

HOSTILE = "\"><script>alert(1)</script>'&.mp4"


async def test_a_name_is_text_and_never_markup(talk: Talk) -> None:
    video_id, _ = await talk.whole(name=HOSTILE)
    await talk.call("video.update", vid=video_id, title=HOSTILE)
    page = (await talk.ask("GET", "/")).text
    assert page.count("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#x27;&amp;.mp4") == 2
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/static/page.js" defer>']


async def test_whole_videos_play_and_others_show_how_far_they_are(talk: Talk) -> None:
    whole, _ = await talk.whole()
    half, url = await talk.ticket()
    await talk.post(url, 0, 50_000)
    gone, _ = await talk.whole()
    await talk.call("video.delete", vid=gone)
    page = (await talk.ask("GET", "/")).text
    assert f'<video controls preload="metadata" src="/emulator/videos/{whole}/content">' in page
    assert '<progress value="50000" max="100000">' in page
    assert page.count("<video") == 1
    assert page.index(f'id="v{half}"') < page.index(f'id="v{whole}"')


async def test_the_page_loads_nothing_from_elsewhere_and_says_so(talk: Talk) -> None:
    answer = await talk.ask("GET", "/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Nothing was uploaded yet" in answer.text
    for name in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
        part = await talk.ask("GET", name)
        assert part.status == 200
        assert "//" not in re.sub(r"^\s*//.*$", "", part.text, flags=re.MULTILINE)
    assert "http" not in answer.text
    assert (await talk.ask("GET", "/static/server.py")).status == 404
