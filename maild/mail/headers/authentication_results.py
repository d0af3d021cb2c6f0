"""Decides how far the From of a mail is proven, by the Authentication-Results of our own servers (RFC 8601).

`border` says which fields count. A failed DMARC check for the From's domain in any of them refutes the sender
(RFC 7489); a passed one proves it. Without a DMARC result a DKIM signature of that domain proves it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust
from maild.mail.headers.border import Field, TrustedServers, counting

# method[/version]=result, then the properties (RFC 8601 2.2).
_RESULT = re.compile(r"\s*([a-z0-9-]{1,20})(?:\s*/\s*[0-9]{1,3})?\s*=\s*([a-z]{1,20})\b(.{0,1000})", re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.(?:from|d|i))\s*=\s*\"?@?([^\s;\"]{1,255})")


@dataclass(frozen=True, slots=True)
class _Result:
    """One result in a field, in lower case."""

    method: str  # RFC 8601 2.7: dkim, dmarc, spf, …
    result: str  # pass, fail, …
    domain: str  # that the result is about: header.from, else header.d, else header.i; "" if none is named


def judge(message: InboundMessage, servers: TrustedServers, peer: str = "") -> Evidence:
    """Return the evidence for the sender of a mail. `peer` is who passed it to our own listener; see `counting`."""
    if message.sender is None:
        trust = Trust.FAILED if servers.authserv else Trust.CLAIMED
        return Evidence(trust, "the mail has not exactly one valid From address")
    if not servers.authserv:
        return Evidence(Trust.CLAIMED, "no trusted_authserv is configured, so nothing proves the From")
    found = counting(message.server_fields, servers, peer)
    if found.missing:
        reason = f"no Authentication-Results by {', '.join(servers.authserv)} counts: {found.missing}"
        return Evidence(Trust.CLAIMED, reason)
    domain = message.sender.address.domain
    if "fail" in _dmarc(found.fields, domain):
        return Evidence(Trust.FAILED, f"dmarc=fail for {domain}")
    if "pass" in _dmarc(found.proving, domain):
        return Evidence(Trust.VERIFIED, f"dmarc=pass for {domain}")
    for result in _results(found.proving):
        if result.method == "dkim" and result.result == "pass" and _aligned(result.domain, domain):
            return Evidence(Trust.VERIFIED, f"dkim=pass, signed by {result.domain}")
    return Evidence(Trust.CLAIMED, "the trusted Authentication-Results neither prove nor refute the From")


def _dmarc(fields: Iterable[Field], domain: str) -> set[str]:
    """Return the DMARC results for the From's domain (RFC 7489 11.2)."""
    results = (result for result in _results(fields) if result.method == "dmarc")
    return {result.result for result in results if not result.domain or _aligned(result.domain, domain)}


def _results(fields: Iterable[Field]) -> list[_Result]:
    """Return all results in the fields; semicolons separate them (RFC 8601 2.2)."""
    return [found for field in fields for part in field.plain.split(";") if (found := _read(part))]


def _read(part: str) -> _Result | None:
    """Read one result; None if the text is none. Of each property the first counts."""
    found = _RESULT.match(part)
    if found is None:
        return None
    properties: dict[str, str] = {}
    for name, stated in _PROPERTY.findall(found[3]):
        properties.setdefault(name, stated)
    signer = properties.get("header.from") or properties.get("header.d") or properties.get("header.i", "")
    return _Result(found[1], found[2], signer.rpartition("@")[2])


def _aligned(signer: str, sender: str) -> bool:
    """Whether the signer's domain is the sender's, or one above it with a dot in it (RFC 7489 3.1.1)."""
    return bool(signer) and (sender == signer or ("." in signer and sender.endswith(f".{signer}")))
