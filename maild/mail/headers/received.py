"""Reads one Received field (RFC 5321 4.4): which client passed the mail on, to which server, and how.

Every server writes these fields a little differently. What is not certain stays unknown. The reader never guesses,
because the client chooses some of the words, such as its HELO name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from maild.domain.people.directory import ascii_lower
from maild.mail.headers.comments import segments

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network

_LONGEST = 4000  # characters of a field that are read
_BRACKETED = re.compile(r"\[(?:ipv6:)?([0-9a-f:.]{2,45}(?:%[\w.-]{1,30})?)\]", re.IGNORECASE)
_BARE = re.compile(r"\s*(?:\S{0,100}@)?([0-9a-f:.]{2,45})\s*", re.IGNORECASE)
# Words that the client chose, where the server marks them: helo= and ident= (Exim), "EHLO name" in quotes (zmailer).
_CHOSEN = re.compile(r'"[^"]*"?|\b(?:helo|ident)=\S*', re.IGNORECASE)
_NAMES_HELO = re.compile(r"\b(?:helo|ehlo)[= ]", re.IGNORECASE)
# The protocols of RFC 3848 and RFC 6531 4.3 that end in A mean SMTP AUTH; ASMTP is an older name for it.
_AUTHENTICATED = re.compile(r"(?:(?:e|utf8)?smtps?a|asmtps?)", re.IGNORECASE)
_LMTP = re.compile(r"(?:utf8)?lmtps?a?", re.IGNORECASE)
# What Postfix, Sendmail and Courier write about a client that signed in.
_SIGNED_IN = re.compile(r"\s*auth(?:enticated)?(?:\s*[:=]|\s+(?:sender|bits|user)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Received:
    """One step of a mail from a client to a server."""

    has_from: bool  # without a `from` clause it is a step inside one server
    clients: tuple[IpAddress, ...] = ()  # the client's address as the server saw it; more than one is unusual
    by: str = ""  # the host that took the mail, in lower case; "" if it cannot be read
    protocol: str = ""  # as written, such as ESMTPS (RFC 3848)
    authenticated: bool = False  # the client signed in, so the mail is a submission (RFC 6409)

    @property
    def is_lmtp(self) -> bool:
        """Whether the protocol is LMTP in any form (RFC 2033, RFC 3848)."""
        return _LMTP.fullmatch(self.protocol) is not None

    @property
    def from_loopback(self) -> bool:
        """Whether the client was on the same machine as the server."""
        return bool(self.clients) and all(client.is_loopback for client in self.clients)

    def inside(self, hops: Sequence[IpNetwork]) -> bool:
        """Whether the step was among our own servers, so that the sender did not write the field below it.

        That is a step inside one server (no `from` clause, or LMTP without an address), or from a client that is this
        machine or in `hops`. A client that signed in never counts: it may be anybody's program."""
        if self.authenticated:
            return False
        if not self.has_from:
            return True
        if not self.clients:
            return self.is_lmtp
        return all(is_ours(client, hops) for client in self.clients)


def is_ours(client: IpAddress, hops: Sequence[IpNetwork]) -> bool:
    """Whether an address is this machine's loopback, or in one of the networks."""
    return client.is_loopback or any(client.version == hop.version and client in hop for hop in hops)


def read_address(text: str) -> IpAddress | None:
    """Read an IP address without brackets; None if it is none. Mapped IPv4 becomes IPv4 (RFC 4291 2.5.5.2)."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def read(value: str) -> Received:
    """Read the value of a Received field, unfolded or not. Never raises."""
    words: list[str] = []
    comments: list[str] = []
    before_by: tuple[int, int] | None = None  # how many words and comments the `from` clause has
    for is_comment, text in segments(value[:_LONGEST]):
        if is_comment:
            comments.append(text)
            continue
        for word in text.split():
            # The second word is the HELO name, which may itself be "by". Without a HELO name a comment comes first.
            if before_by is None and word.lower() == "by" and (len(words) != 1 or comments):
                before_by = len(words), len(comments)
            words.append(word)
    has_from = bool(words) and words[0].lower() == "from"
    until, seen = before_by or (len(words), len(comments))
    after = words[until + 1 :]
    return Received(
        has_from=has_from,
        clients=_clients(words[1:until], comments[:seen]) if has_from else (),
        by=ascii_lower(after[0]).rstrip(".;") if after else "",
        protocol=_following("with", after),
        authenticated=_AUTHENTICATED.fullmatch(_following("with", after)) is not None
        or any(_SIGNED_IN.match(comment) for comment in comments),
    )


def _following(name: str, words: Sequence[str]) -> str:
    """Return the word after `name`, up to a slash or semicolon: only the protocol of "ESMTP/TLS/…"."""
    for at, word in enumerate(words[:-1]):
        if word.lower() == name:
            return re.split("[/;]", words[at + 1], maxsplit=1)[0]
    return ""


def _clients(words: Sequence[str], comments: Sequence[str]) -> tuple[IpAddress, ...]:
    """Return the addresses in a `from` clause that the server itself wrote (RFC 5321 4.4, TCP-info).

    The first word is the HELO name and does not count. Exim and CommuniGate write the client there, and the HELO name
    into a comment. Then both count, because a name in the DNS can look like that comment."""
    found = [text for word in words[1:] for text in _BRACKETED.findall(word)]
    for comment in comments:
        plain = _CHOSEN.sub(" ", comment)
        bare = _BARE.fullmatch(plain)  # Exchange and qmail write no brackets
        found += _BRACKETED.findall(plain) or ([bare[1]] if bare else [])
    if not found and any(_NAMES_HELO.search(comment) for comment in comments):
        found = [text for part in (*words[:1], *comments) for text in _BRACKETED.findall(part)]
    return tuple(address for text in dict.fromkeys(found) if (address := read_address(text)) is not None)
