"""What a video is called on OK.ru: by its folder, name, contents and sidecars, and within OK's limits.

Three rules:

1. A template is text of the configuration; a file's name, and what a sidecar says, is only ever a *value* in
   it. A file called `{{ 7*7 }}.mp4` keeps that name.
2. What was written nearest to the file wins. Of each field the first of these that says it: `--title` of a
   person; a sidecar; the folder's template, if it has one of its own; the group of that name in its
   `name_pattern`; the default. But a template that speaks of `sidecar` has heard it, and goes before it.
3. What comes out fits OK's limits (protocol.md 2.2) counted in UTF-16 units, the conservative reading
   of "chars"; nothing is cut through the middle of what a reader sees as one character.

A template knows `stem`, `name`, `suffix` (with its dot), `folder` (the last part of the folder in which the
file lies), `path` (from the watched folder on), `parts` (the folders on that, outermost first), `size`
(bytes), `modified` (aware) and `date` (its day, unless the name or a sidecar tells another); the groups of
`name_pattern`; `sidecar`, with the keys of all sidecars; `media`, with the container's tags; `duration`
(seconds), `width` and `height` (pixels).
"""

from okdrop.metadata.chain import Metadata, Origin, Source, render
from okdrop.metadata.group import check_group, group_of, parts_of
from okdrop.metadata.name_pattern import BadPatternError, check_name_pattern, groups
from okdrop.metadata.privacy import Privacy, SidecarPrivacy
from okdrop.metadata.settings import Beside, BrokenSidecar, Settings, require_sound
from okdrop.metadata.sidecar_names import KINDS
from okdrop.metadata.targets import Facts, is_template, parted, target_below
from okdrop.metadata.templates import VARIABLES, BadTemplateError, check_template
from okdrop.metadata.text import cut, utf16_length

__all__ = [
    "KINDS",
    "VARIABLES",
    "BadPatternError",
    "BadTemplateError",
    "Beside",
    "BrokenSidecar",
    "Facts",
    "Metadata",
    "Origin",
    "Privacy",
    "Settings",
    "SidecarPrivacy",
    "Source",
    "check_group",
    "check_name_pattern",
    "check_template",
    "cut",
    "group_of",
    "groups",
    "is_template",
    "parted",
    "parts_of",
    "render",
    "require_sound",
    "target_below",
    "utf16_length",
]
