"""How far the From of a mail is proven: Authentication-Results of our own servers (RFC 8601), read with tolerance.

`border` decides which fields count. Here their results are read: a failed DMARC check for the From's domain in any of
them refutes the sender, a passed one proves it. Our own verification (DKIM, SPF, DMARC) adds evidence here later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust
from maild.mail.headers.border import Field, TrustedServers, counting

_RESULT = re.compile(r"\s*([a-z0-9-]{1,20})(?:\s*/\s*[0-9]{1,3})?\s*=\s*([a-z]{1,20})\b(.{0,1000})", re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.(?:from|d|i))\s*=\s*\"?@?([^\s;\"]{1,255})")


@dataclass(frozen=True, slots=True)
class _Result:
    method: str
    result: str
    domain: str


def judge(message: InboundMessage, servers: TrustedServers, peer: str = "") -> Evidence:
    """Return the evidence for the sender of a mail. `peer` is who handed it to our own listener; see `counting`."""
    if message.sender is None:
        trust = Trust.FAILED if servers.authserv else Trust.CLAIMED
        return Evidence(trust, "the mail has not exactly one valid From address")
    if not servers.authserv:
        return Evidence(Trust.CLAIMED, "no trusted_authserv is configured, so nothing speaks for the From")
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
    """What the fields say of DMARC for the From's domain."""
    results = (result for result in _results(fields) if result.method == "dmarc")
    return {result.result for result in results if not result.domain or _aligned(result.domain, domain)}


def _results(fields: Iterable[Field]) -> list[_Result]:
    return [found for field in fields for part in field.plain.split(";") if (found := _read(part))]


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
