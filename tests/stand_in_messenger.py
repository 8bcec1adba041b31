"""Stands in for the process that sends a message, in tests of what is told when: Apprise takes a second.

note:///path            the message is appended to that file, as a line of JSON
note:///path?VERDICT    and that is what came of it
hang:///path            it is, and the process stays for ever
"""

from __future__ import annotations

import json
import sys
import time
import urllib.parse

wanted = json.load(sys.stdin)
url = urllib.parse.urlsplit(wanted["url"])
with open(url.path, "a") as file:  # noqa: PTH123
    file.write(json.dumps({"title": wanted["title"], "body": wanted["body"]}) + "\n")
if url.scheme == "hang":
    time.sleep(1000)
print(json.dumps({"verdict": url.query or "sent", "service": "Stand-in", "why": ""}))  # noqa: T201
