"""An error as OK's API has it (protocol.md 3.3)."""

from __future__ import annotations


class ApiError(Exception):
    """A call failed in the API's own way.

    Args:
        code: of the table in protocol.md 3.3.
        detail: what follows the code's name in `error_msg`.
        status: of HTTP; errors of the API come as 200 (protocol.md 3.3).
    """

    def __init__(self, code: int, detail: str, status: int = 200) -> None:
        super().__init__(f"{code} {detail}")
        self.code = code
        self.detail = detail
        self.status = status
