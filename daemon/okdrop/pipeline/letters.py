"""What a message to a person says: what happened, where, what to do. Pure.

Names come from whoever dropped the files, and services make markup of some characters. So a name is
printable, of a length that a message bears, and what could begin markup, a link or the mention of somebody is
replaced by a character that looks alike and means nothing; the whole is sent as plain text.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from okdrop.config.notify import LEVELS, Language, Level
from okdrop.events import shown
from okdrop.pipeline.phrases import PHRASES, advice
from okdrop.steps import Occasion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LISTED: Final = 10
"""Things that a message about several names one by one."""

LONGEST: Final = 1800
"""Characters of a message, at most: the shortest limit among services is 2000."""

_NAME: Final = 80
_PATH: Final = 200
_WORDS: Final = 400

_SLASH: Final = "\N{FULLWIDTH SOLIDUS}"
_LINE: Final = "\N{FULLWIDTH LOW LINE}"
_ALIKE: Final = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}",
        "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
        "@": "\N{FULLWIDTH COMMERCIAL AT}",
        "*": "\N{ASTERISK OPERATOR}",
        "~": "\N{TILDE OPERATOR}",
        "|": "\N{BROKEN BAR}",
        "\\": "\N{FULLWIDTH REVERSE SOLIDUS}",
        "`": "'",
    }
)
_EDGE: Final = re.compile(r"(?<!\w)_++|_++(?!\w)")
_LINK: Final = re.compile(r"://+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message, in plain text; `kind` is Apprise's word for how grave it is."""

    title: str
    body: str
    kind: str = "info"


def letter_of(facts: Sequence[Mapping[str, Any]], language: Language) -> Letter:
    """The message that tells of one thing, or of several.

    Args:
        facts: what happened, the oldest first, as docs/after.md has it; at least one.
        language: in which it is written.
    """
    if len(facts) == 1:
        return _of_one(facts[0], language)
    return _of_several(facts, language)


def trial(language: Language) -> Letter:
    """The message that shows that messages arrive."""
    say = PHRASES[language]
    return Letter(title=say["trial_title"], body=say["trial"])


def harmless(text: str, longest: int = _WORDS) -> str:
    """A text from elsewhere, so that no service makes anything of it but text, on one line."""
    try:
        raw = text.encode("utf-8", "surrogateescape")  # bytes of a name that are no text stand in it so
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "backslashreplace")
    line = _LINK.sub(f":{_SLASH * 2}", shown(raw).translate(_ALIKE))
    return _EDGE.sub(lambda found: _LINE * len(found[0]), _cut(line, longest))


def _cut(text: str, longest: int) -> str:
    """Without its middle, where it is longer: of a path both ends tell most."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


# --- one thing ----------------------------------------------------------------------------------------


def _of_one(facts: Mapping[str, Any], language: Language) -> Letter:
    say, occasion = PHRASES[language], Occasion(facts["event"])
    what, todo = advice(facts, language)
    values = _values(facts, harmless(what))
    account = values["account"]
    lines = [
        say[_key(facts)].format_map(values),
        say["account"].format(account=account) if account and occasion is Occasion.HALTED else "",
        say["todo"].format(hint=harmless(todo)) if todo else "",
        say["retry"].format(id=facts["id"]) if occasion is Occasion.FAILED and "id" in facts else "",
        str(facts.get("url", "")),
        say["file"].format(path=values["path"]) if "id" in facts else "",
        say.get(f"{occasion}_more", ""),
    ]
    body = "\n".join(line for line in lines if line)
    return Letter(title=say[f"{occasion}_title"], body=_cut(body, LONGEST), kind=_kind([occasion]))


def _key(facts: Mapping[str, Any]) -> str:
    """The phrase for it; of what is over, one for each thing that it ends."""
    ends = facts.get("ends", "")
    return f"{facts['event']}_{ends}" if ends else str(facts["event"])


def _values(facts: Mapping[str, Any], what: str) -> dict[str, str]:
    path = str(facts.get("path", ""))
    name = str(facts.get("title") or path.rpartition("/")[2])
    return {
        "name": harmless(name, _NAME),
        "path": harmless(path, _PATH),
        "moved_to": harmless(str(facts.get("moved_to", "")), _PATH),
        "account": harmless(str(facts.get("account", "")), _NAME),
        "what": what,
        "url": str(facts.get("url", "")),
    }


def _kind(occasions: Sequence[Occasion]) -> str:
    """Apprise's word for the gravest of them."""
    bad = [one for one in occasions if one is not Occasion.RECOVERED]
    if any(LEVELS[one] is Level.ERROR for one in bad) or Occasion.FAILED in bad:
        return "failure"
    if any(LEVELS[one] is Level.WARNING for one in bad):
        return "warning"
    return "success"


# --- several ------------------------------------------------------------------------------------------


def _of_several(facts: Sequence[Mapping[str, Any]], language: Language) -> Letter:
    say = PHRASES[language]
    found = [Occasion(one["event"]) for one in facts]
    counts = Counter(found)
    gravest = sorted(counts, key=_rank)
    told = ", ".join(f"{say[f'{one}_count']}: {counts[one]}" for one in gravest)
    first = sorted(facts, key=lambda one: _rank(Occasion(one["event"])))[:LISTED]
    lines = [told, *(_line(one, language) for one in first)]
    if more := len(facts) - len(first):
        lines.append(say["more"].format(count=more))
    title = say["several_title"].format(count=len(facts))
    return Letter(title=title, body=_whole_lines(lines), kind=_kind(found))


def _rank(occasion: Occasion) -> tuple[int, int]:
    """The gravest first; else in the order in which they are listed everywhere."""
    return -[*Level].index(LEVELS[occasion]), [*Occasion].index(occasion)


def _line(facts: Mapping[str, Any], language: Language) -> str:
    what, _ = advice(facts, language)
    said = PHRASES[language][_key(facts)].format_map(_values(facts, harmless(what, _NAME)))
    url = str(facts.get("url", ""))
    return f"• {said}" + (f" {url}" if url else "")


def _whole_lines(lines: Sequence[str]) -> str:
    """As many of these lines as a message bears, the first one in any case."""
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > LONGEST:
            break
        kept.append(line)
    return "\n".join(kept)
