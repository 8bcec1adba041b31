"""Stands in for the process that sends a message, in tests of what is told when, for Apprise takes its time.

note:///path            the message is appended to that file, as a line of JSON
note:///path?VERDICT    and that is what came of it
note:///path?at-last    and it is refused, unless something stands in the file already
hang:///path            it is, and the process stays for ever
"""

from __future__ import annotations

import json
import sys
import time
import urllib.parse

wanted = json.load(sys.stdin)
url = urllib.parse.urlsplit(wanted["url"])
verdict = url.query or "sent"
with open(url.path, "a") as file:  # noqa: PTH123
    if verdict == "at-last":
        verdict = "sent" if file.tell() else "refused"
    file.write(json.dumps({"title": wanted["title"], "body": wanted["body"]}) + "\n")
if url.scheme == "hang":
    time.sleep(1000)
print(json.dumps({"verdict": verdict, "service": "Stand-in", "why": ""}))  # noqa: T201
