"""Templates: text of the configuration in which a file's facts are filled in.

What a template may do is bounded, though its author is trusted: it reaches nothing outside, and a short one
cannot be blown up into a huge text.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import jinja2
import jinja2.exceptions
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox

from okdrop.errors import GaveUp
from okdrop.metadata.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

OF_FILE: Final = frozenset({"stem", "name", "suffix", "folder", "path", "parts", "size", "modified", "date"})
OF_CONTENTS: Final = frozenset({"media", "duration", "width", "height"})
"""What only a look into the file tells."""

SIDECAR: Final = "sidecar"
VARIABLES: Final = OF_FILE | OF_CONTENTS | {SIDECAR}
"""What a template may speak of, beside the groups of the folder's `name_pattern`."""

_OUTPUT_BOUND: Final = 64 * 1024
_REACHING_OUT: Final[tuple[type[jinja2.nodes.Node], ...]] = (
    jinja2.nodes.Include,
    jinja2.nodes.Extends,
    jinja2.nodes.Import,
    jinja2.nodes.FromImport,
)


class BadTemplateError(ValueError):
    """The template cannot be used, whatever the file."""


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja2 without the means to reach out, or to blow a short template up into a huge text."""

    intercepted_binops = frozenset({"*", "**", "%"})
    _padding = frozenset(
        {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "translate"}
    )

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))) or operator == "**":
            raise jinja2.exceptions.SecurityError(f"{operator} is for numbers, and no powers")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """Leave `str.format` as it is, so that `is_safe_attribute` refuses it: a width may be huge."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in self._padding and super().is_safe_attribute(obj, attr, value)


def _sandbox() -> _Sandbox:
    sandbox = _Sandbox(undefined=jinja2.StrictUndefined, autoescape=False)
    sandbox.globals.clear()
    for name in ("center", "format", "indent", "pprint", "wordwrap", "xmlattr", "batch", "slice"):
        del sandbox.filters[name]
    return sandbox


_SANDBOX: Final = _sandbox()
_compiled: Final = functools.lru_cache(maxsize=256)(_SANDBOX.from_string)


class Lenient:
    """Facts of which nobody knows beforehand which there are: one that is not there is "" in a template."""

    __slots__ = ("_facts",)

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def __getitem__(self, name: str) -> Any:
        return self._facts.get(name, "")

    def __str__(self) -> str:
        return ""


def parsed(source: str) -> jinja2.nodes.Template:
    """The template as the library reads it; of one that `check_template` passed."""
    return _SANDBOX.parse(source)


def check_template(source: str, groups: Collection[str] = (), *, known: frozenset[str] = VARIABLES) -> str:
    """Return the template if it is well formed and speaks of known variables only.

    Args:
        source: the template.
        groups: variables that this folder has beside all others.
        known: those that it may speak of anyway.

    Raises:
        BadTemplateError: with what is wrong, in words.
    """
    try:
        tree = _SANDBOX.parse(source)
        _compiled(source)
    except jinja2.TemplateSyntaxError as error:
        raise BadTemplateError(f"is no template: {one_line(error.message or 'syntax error')}") from None
    except (RecursionError, OverflowError):
        raise BadTemplateError("is no template: nested too deeply") from None
    known = known | {*groups}
    if unknown := sorted(jinja2.meta.find_undeclared_variables(tree) - known):
        listed = ", ".join(sorted(known))
        raise BadTemplateError(f"speaks of {unknown[0]}, which is unknown; known are {listed}")
    if any(tree.find(node) for node in _REACHING_OUT):
        raise BadTemplateError("may not include or import other templates")
    return source


@functools.lru_cache(maxsize=256)
def spoken_of(source: str) -> frozenset[str]:
    """The variables that a template, once checked, speaks of."""
    return frozenset(jinja2.meta.find_undeclared_variables(_SANDBOX.parse(source)))


def fill(field: str, source: str, variables: Mapping[str, Any]) -> str:
    """Fill a template in; the output is bounded to about `_OUTPUT_BOUND` characters."""
    pieces: list[str] = []
    length = 0
    try:
        for piece in _compiled(source).generate(variables):
            pieces.append(piece)
            length += len(piece)
            if length > _OUTPUT_BOUND:
                break
    except Exception as error:
        # A filter or a method may raise anything at all; whatever it is, it is this template's fault.
        raise GaveUp(
            f"the template of {field} cannot be filled in: {one_line(str(error))[:200]}",
            code="metadata_template",
            hint=f"mend `{field}` of this folder in the configuration, then: okdrop retry",
        ) from error
    return "".join(pieces)[:_OUTPUT_BOUND]
