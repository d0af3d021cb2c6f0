"""How far the From of a mail is proven: a trusted server's Authentication-Results (RFC 8601), read with tolerance.

Only a field whose authserv-id is configured counts, and of those only the topmost: everything below the border of our
own provider may have been written by the sender. Our own verification (DKIM, SPF, DMARC) adds evidence here later."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust, ascii_lower

_LONGEST = 4000  # characters of a field that are looked at
_RESULT = re.compile(r"\s*([a-z0-9-]{1,20})\s*=\s*([a-z]{1,20})\b(.{0,1000})", re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.(?:from|d|i))\s*=\s*\"?@?([^\s;\"]{1,255})")


@dataclass(frozen=True, slots=True)
class _Result:
    method: str
    result: str
    domain: str


def judge(message: InboundMessage, trusted: Sequence[str]) -> Evidence:
    """The evidence for the sender of a mail. `trusted` holds the authserv-ids whose word counts."""
    if message.sender is None:
        return Evidence(Trust.FAILED if trusted else Trust.CLAIMED, "the mail has not exactly one valid From address")
    if not trusted:
        return Evidence(Trust.CLAIMED, "no trusted_authserv is configured, so nothing speaks for the From")
    results = _trusted_results(message, trusted)
    if results is None:
        return Evidence(Trust.CLAIMED, f"no Authentication-Results by {', '.join(trusted)}")
    domain = message.sender.address.domain
    dmarc = {r.result for r in results if r.method == "dmarc" and (not r.domain or _aligned(r.domain, domain))}
    if "fail" in dmarc:
        return Evidence(Trust.FAILED, f"dmarc=fail for {domain}")
    if "pass" in dmarc:
        return Evidence(Trust.VERIFIED, f"dmarc=pass for {domain}")
    for result in results:
        if result.method == "dkim" and result.result == "pass" and _aligned(result.domain, domain):
            return Evidence(Trust.VERIFIED, f"dkim=pass, signed by {result.domain}")
    return Evidence(Trust.CLAIMED, "the trusted Authentication-Results neither prove nor refute the From")


def _trusted_results(message: InboundMessage, trusted: Sequence[str]) -> list[_Result] | None:
    """The results of the topmost field by a trusted server; None without one."""
    names = {ascii_lower(name.strip()) for name in trusted}
    for value in message.headers.get("authentication-results", ()):
        authserv, _, rest = _plain(ascii_lower(value[:_LONGEST])).partition(";")
        if (authserv.split() or [""])[0] in names:
            return [found for part in rest.split(";") if (found := _read(part))]
    return None


def _plain(value: str) -> str:
    """The field without its comments, which nest (RFC 5322 3.2.2), and with no meaning left in its quoted strings.

    A sender chooses the words in both: `smtp.mailfrom="; dmarc=pass"@…` is one value. What is not closed hides the
    rest of the field."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in value:
        if escaped:
            escaped = False
        elif letter == "\\" and (depth or quoted):
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
            kept.append(letter)
        elif quoted:
            kept.append(letter if letter.isalnum() or letter in "@.-_" else "_")
        elif letter == "(" or (letter == ")" and depth):
            depth += 1 if letter == "(" else -1
            kept.append(" ")
        elif not depth:
            kept.append(letter)
    return "".join(kept)


def _read(part: str) -> _Result | None:
    found = _RESULT.match(part)
    if found is None:
        return None
    properties: dict[str, str] = {}
    for name, stated in _PROPERTY.findall(found[3]):
        properties.setdefault(name, stated)
    signer = properties.get("header.from") or properties.get("header.d") or properties.get("header.i", "")
    return _Result(found[1], found[2], signer.rpartition("@")[2])


def _aligned(signer: str, sender: str) -> bool:
    """Strict or parent alignment: the signer's domain is the sender's or one above it with at least one dot."""
    return bool(signer) and (sender == signer or ("." in signer and sender.endswith(f".{signer}")))
