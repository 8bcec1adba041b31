"""Further accounts beside that of `[ok]`: what each says for itself, and what it has from there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, SecretStr

from okdrop.config.fields import ApiUrl, HostPattern, Identifier, OptionalMoment, OptionalPath, Token
from okdrop.config.section import MisfitError, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from okdrop.config.model import Config, Ok
    from okdrop.config.watch import Watch

LONGEST_NAME: Final = 32

# As it stands in a variable's name, which parts its words with two underscores.
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*", re.ASCII)

_RULE: Final = (
    f"a name has {LONGEST_NAME} characters at most: small letters, digits and single underscores, a letter"
    " first"
)


def _named(value: str) -> str:
    if value and not is_name(value):
        raise ValueError(f"must be the name of an [account.NAME], or empty for that of [ok]; {_RULE}")
    return value


AccountName: TypeAlias = Annotated[str, AfterValidator(_named)]


class Account(Section):
    """One more account. What belongs to a session is its own alone; the rest it has from `[ok]`."""

    application_key: Identifier = ""
    api_url: ApiUrl | None = None
    upload_hosts: tuple[HostPattern, ...] = ()
    access_token: Token = SecretStr("")
    access_token_expires: OptionalMoment = None
    application_secret_key: Token = SecretStr("")
    session_secret_key: Token = SecretStr("")
    refresh_token: Token = SecretStr("")
    access_token_file: OptionalPath = None
    application_secret_key_file: OptionalPath = None
    session_secret_key_file: OptionalPath = None
    refresh_token_file: OptionalPath = None

    def beside(self, ok: Ok) -> Ok:
        """The same, complete. The secret key of `[ok]` is of its application, and of no other."""
        application: dict[str, Any] = {"application_secret_key": self.application_secret_key}
        if self.application_key:
            application["application_key"] = self.application_key
        elif not self.application_secret_key.get_secret_value():
            application = {}
        return ok.model_copy(
            update={
                "api_url": self.api_url or ok.api_url,
                "upload_hosts": self.upload_hosts or ok.upload_hosts,
                "access_token": self.access_token,
                "access_token_expires": self.access_token_expires,
                "session_secret_key": self.session_secret_key,
                "refresh_token": self.refresh_token,
                **application,
            }
        )


class _ByName(dict[str, Account]):
    """Accounts by their names; nobody changes it, as nothing of the configuration is changed."""

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none
        return hash(frozenset(self.items()))


Accounts: TypeAlias = Annotated[dict[str, Account], AfterValidator(_ByName)]


def senders(config: Config) -> dict[str, str]:
    """For which account each watched folder sends."""
    return {str(watch.path): watch.account for watch in config.watch}


def is_name(text: str) -> bool:
    """Whether an account may be called so."""
    return len(text) <= LONGEST_NAME and text != "ok" and _NAME.fullmatch(text) is not None


def check_names(names: Sequence[object]) -> None:
    """Look whether accounts are called as they may be.

    Raises:
        MisfitError: one is not.
    """
    for name in names:
        if name == "ok":
            raise MisfitError(("account", "ok"), "is [ok], which has no other name; call this one otherwise")
        if not is_name(str(name)):
            raise MisfitError(("account", str(name)), f"no account may be called so: {_RULE}")


def check_apart(accounts: Mapping[str, Ok]) -> None:
    """Look whether each account is named once: under two names it would be sent the same file twice.

    Raises:
        MisfitError: two have one token.
    """
    seen: dict[tuple[str, str], str] = {}
    for name, account in accounts.items():
        token = account.access_token.get_secret_value()
        if not token:
            continue
        first = seen.setdefault((account.api_url, token), name)
        if first != name:
            whose = f"[account.{first}]" if first else "[ok]"
            text = f"is that of {whose} already; an account is named once, so name {whose} in its folders"
            raise MisfitError(("account", name, "access_token"), text)


def check_known(watches: Sequence[Watch], accounts: Mapping[str, object]) -> None:
    """Look whether the accounts that folders name are there.

    Raises:
        MisfitError: one is not.
    """
    for index, watch in enumerate(watches):
        if watch.account and watch.account not in accounts:
            raise MisfitError(("watch", index, "account"), unknown(watch.account, accounts))


def unknown(name: str, accounts: Iterable[str]) -> str:
    """What to say of an account that is not among these."""
    there = ", ".join(f'"{one}"' for one in accounts if one)
    others = f', or name one of {there}, or "" for that of [ok]' if there else ""
    added = f"; add a table [account.{name}]{others}" if is_name(name) else f"{others}; {_RULE}"
    return f"there is no such account{added}"
