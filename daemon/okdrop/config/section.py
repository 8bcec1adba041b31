"""What all tables of the tree have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        coerce_numbers_to_str=True,
    )


class MisfitError(ValueError):
    """A key does not fit another one.

    Args:
        key: which, counted from the top of the tree.
        text: completes "KEY = VALUE: …".
    """

    def __init__(self, key: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.key = key
