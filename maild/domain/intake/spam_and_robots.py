"""Where unusual mail comes from: lists that feed us, spam that the provider marked, programs."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from maild.domain.intake.rules import Expression
from maild.domain.people.directory import ascii_lower

_VALUE_AT_MOST = 1000  # characters of a header's value that an expression gets to see
_LIST_ID = re.compile(r"<([^<>]{1,255})>")  # RFC 2919 2: the identifier stands in brackets, behind a phrase


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list that feeds us. Its gateway rewrites the sender, who is named elsewhere in the mail."""

    id: str = ""  # what its List-Id says in brackets
    address: str = ""  # where people post to it

    def brings(self, list_ids: Iterable[str], addresses: Collection[str]) -> bool:
        """Tell whether it brought a mail with these List-Id values, from and to these addresses."""
        ids = {read_list_id(value) for value in list_ids}
        known = {ascii_lower(address) for address in addresses}
        return (bool(self.id) and read_list_id(self.id) in ids) or ascii_lower(self.address or "\0") in known

    @property
    def shown(self) -> str:
        """The list as `explain` names it."""
        return self.id or self.address


def read_list_id(value: str) -> str:
    """Return the identifier of a List-Id value (RFC 2919) for comparing, without phrase and brackets."""
    line = value[:_VALUE_AT_MOST]
    bracketed = _LIST_ID.findall(line)
    return ascii_lower((bracketed[-1] if bracketed else line).strip())


def list_that_brought(
    lists: Iterable[MailingList], list_ids: Iterable[str], addresses: Collection[str]
) -> MailingList | None:
    """Return the first of the lists that brought a mail. `addresses` are those of From, To, Cc and Delivered-To."""
    ids = tuple(list_ids)
    return next((each for each in lists if each.brings(ids, addresses)), None)


@dataclass(frozen=True, slots=True)
class HeaderMark:
    """A header by which the provider says "spam": its name, and an expression that one of its values must match."""

    name: str
    match: Expression


@dataclass(frozen=True, slots=True)
class SpamMarks:
    """The headers of the provider's filter that we believe."""

    headers: tuple[HeaderMark, ...] = ()

    def found(self, headers: Mapping[str, tuple[str, ...]]) -> str:
        """Return the mark of a mail as "Name: value"; "" for none. `headers` has its names in lower case."""
        for mark in self.headers:
            for value in headers.get(mark.name.lower(), ()):
                if mark.match.search(value.strip()[:_VALUE_AT_MOST]) is not None:
                    return f"{mark.name}: {value.strip()[:80]}"
        return ""


@dataclass(frozen=True, slots=True)
class Robots:
    """Senders whose mail is automatic although it does not say so: monitoring, scanners, shops."""

    from_: tuple[str, ...] = ()  # globs over the sender's address: *@monitor.example

    def wrote(self, sender: str) -> str:
        """Return the glob that this address fits; "" when a person may have written."""
        key = ascii_lower(sender)[:320]
        return next((glob for glob in self.from_ if fnmatchcase(key, ascii_lower(glob))), "")
