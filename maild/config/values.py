"""Readers for values that are written as text: durations, sizes, time zones, addresses, endpoints.

Each reader returns the value or raises ValueError with a sentence that says what was expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import NewType
from zoneinfo import ZoneInfo, available_timezones

import idna

from maild.config.expressions import Pattern, problem_of
from maild.config.problems import nearest
from maild.domain.people.directory import Address
from maild.domain.people.preferences import read_digest as read_digest
from maild.domain.people.preferences import read_quiet as read_quiet
from maild.domain.times.calendars import WHOLE_DAY, Span

ZoneName = NewType("ZoneName", str)  # an IANA time zone
HostName = NewType("HostName", str)  # a DNS name or an IP address
DomainName = NewType("DomainName", str)  # a DNS name as A-labels (RFC 5891)
DomainMask = NewType("DomainMask", str)  # a domain, or "*." before it for all domains below
HeaderName = NewType("HeaderName", str)  # the name of a header field
Glob = NewType("Glob", str)  # a pattern with * and ? for addresses
Network = NewType("Network", str)  # an IP network, as "192.0.2.0/24"
ServerName = NewType("ServerName", str)  # what a mail server calls itself, or a pattern with * for such names
Language = NewType("Language", str)  # a BCP 47 tag: en, de, pt-BR
Lines = NewType("Lines", str)  # text that may have line breaks; other texts may not
Port = NewType("Port", int)
DigestTime = NewType("DigestTime", str)  # "daily 08:00", "weekly mon 08:00", "hourly", or "off"
QuietHours = NewType("QuietHours", str)  # "20:00-07:00", "off", or empty for the default
Size = NewType("Size", int)  # bytes


class OneOrMore:
    """Marks a tuple that may be written as a single value without brackets.

    It is used as `Annotated[tuple[str, ...], OneOrMore]`."""


_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = re.compile(r"(?:[0-9]{1,9}[smhdw]){1,5}")
_DURATION_PART = re.compile(r"([0-9]{1,9})([smhdw])")
_LONGEST = timedelta(days=36_500)
_SIZE = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?(B|KB|MB|GB|KiB|MiB|GiB)?")
_SIZE_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}")  # RFC 5322 3.2.3
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 2.2: printable ASCII but the colon
_SERVER_NAME = re.compile(r"[^\s;=()\"\\<>,]{1,253}")
_BELOW_DOMAIN = re.compile(r"(?:\.[^.*]+){2,}")  # what follows the last * of a pattern: a domain of somebody's own
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
_UNIX_PATH = 107  # bytes; sun_path has 108 bytes with its NUL (unix(7))


def read_duration(text: str) -> timedelta:
    """Read `15m`, `1h30m`, `7d`, `0s`: whole numbers with s, m, h, d or w, longer units first."""
    parts = _DURATION_PART.findall(text) if _DURATION.fullmatch(text) else []
    sizes = [_UNITS[unit] for _, unit in parts]
    if not parts or sizes != sorted(set(sizes), reverse=True):
        signed = text.startswith("-") and _DURATION.fullmatch(text[1:])
        what = "may not be negative" if signed else "is not a duration"
        raise ValueError(f'{text!r} {what}; write "90s", "15m", "1h30m" or "7d"')
    total = sum((int(number) * _UNITS[unit] for number, unit in parts), timedelta())
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than 100 years; write a shorter duration")
    return total


def show_duration(length: timedelta) -> str:
    """Return the shortest text that `read_duration` reads back, such as `1h30m`."""
    seconds = int(length.total_seconds())
    shown = ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        shown += f"{number}{unit}" if number else ""
    return shown or "0s"


def read_size(text: str) -> Size:
    """Read `25 MiB`, `128 KiB`, `4096` as bytes. MB counts in thousands, MiB in 1024s (IEC 80000-13)."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a size; write "25 MiB", "128 KiB" or "1 GB"')
    whole, fraction, unit = match.groups()
    factor = _SIZE_UNITS[unit or "B"]
    return Size(int(whole) * factor + int(fraction or 0) * factor // 10 ** len(fraction or ""))


def show_size(size: int) -> str:
    """Return a size in the largest binary unit that divides it."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _SIZE_UNITS[unit] == 0:
            return f"{size // _SIZE_UNITS[unit]} {unit}"
    return f"{size} B"


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_zone(text: str) -> ZoneName:
    """Read the name of an IANA time zone that this machine or the tzdata package has."""
    if text in _zones():
        ZoneInfo(text)
        return ZoneName(text)
    known = [zone for zone in _zones() if "/" in zone and not zone.startswith(("posix", "right", "Etc"))]
    ends = {zone.rpartition("/")[2].casefold(): zone for zone in known}
    wanted = text.strip().replace(" ", "_")
    near = ends.get(wanted.casefold()) or nearest(wanted, known)
    raise ValueError(
        f"{text!r} is not a time zone; " + (f"did you mean {near!r}?" if near else 'write "Europe/Berlin"')
    )


def read_span(text: str) -> Span:
    """Read opening hours on the local clock: `08:00-17:00`, overnight `22:00-06:00`, `24h` or `00:00-24:00`."""
    if text == "24h":
        return WHOLE_DAY
    match = _SPAN.fullmatch(text.replace("\N{EN DASH}", "-"))
    hours = [int(number) for number in match.groups()] if match else []
    if not hours or hours[1] > 59 or hours[3] > 59:
        raise ValueError(f'{text!r} is not a span of opening hours; write "08:00-17:00", "22:00-06:00" or "24h"')
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= 1440 or end > 1440:
        raise ValueError(f"{text!r} goes beyond the day; write times from 00:00 to 24:00")
    if start == end:
        raise ValueError(f'{text!r} starts and ends at the same time; write "24h" for a whole day')
    return Span(start, end if end > start else end + 1440)


def read_host(text: str) -> HostName:
    """Read a DNS name, converted by IDNA, or an IP address, without port or brackets."""
    try:
        return HostName(str(ip_address(text)))
    except ValueError:
        return HostName(_domain(text, f"{text!r} is not a host name"))


def read_network(text: str) -> Network:
    """An IP address, or a network with its prefix length. All addresses of a version are no network of anybody's."""
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f'{text!r} is no address or network; write "192.0.2.7" or "10.0.0.0/8": {error}') from error
    if network.prefixlen == 0:
        raise ValueError(f"{text!r} is everybody: name your own servers alone")
    return Network(str(network))


def read_server_name(text: str) -> ServerName:
    """The name of a mail server as it stands in its own fields: one word. A * stands for any text before a domain."""
    name = text.strip()
    if not _SERVER_NAME.fullmatch(name):
        raise ValueError(f'{text!r} is no name of a server; write one word such as "mx.acme.example"')
    if "*" in name and not _BELOW_DOMAIN.fullmatch(name.rpartition("*")[2]):
        raise ValueError(f'{text!r} fits the servers of strangers; write one such as "*.acme.example"')
    return ServerName(name)


def read_address(text: str) -> Address:
    """Read a plain `local@domain` (RFC 5322 3.4.1, dot-atom).

    An international domain becomes its A-label (RFC 5891)."""
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise ValueError(f"{text!r} is not an address; write local@domain")
    if len(local) > 64 or not all(_ATOM.fullmatch(atom) for atom in local.split(".")):
        raise ValueError(f"{text!r} is not an address: {local!r} is not allowed before the @; write only local@domain")
    return Address(local, _domain(domain, f"{text!r} is not an address"))


def _domain(text: str, invalid: str) -> str:
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"{invalid}: {error}") from error
    domain = text.lower()
    if len(domain) > 253 or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError(f"{invalid}: a domain has letters, digits and hyphens, with dots between its parts")
    return domain


def read_language(text: str) -> Language:
    """Read a language tag such as `en`, `de` or `pt-BR`."""
    if not _LANGUAGE.fullmatch(text):
        raise ValueError(f'{text!r} is not a language; write "en", "de" or "pt-BR"')
    return Language(text)


def read_pattern(text: str) -> Pattern:
    """Read a regular expression. `*` alone matches anything."""
    if text.strip() == "*":
        return Pattern(".*")
    if problem := problem_of(text):
        raise ValueError(f"'{text[:60]}' cannot be used as a regular expression: {problem}")
    return Pattern(text)


def read_glob(text: str) -> Glob:
    """Read a pattern for addresses: `*@monitor.example`, `alerts-?@*.example`.

    A domain without * and ? becomes A-labels (RFC 5891)."""
    local, at, domain = text.strip().rpartition("@")
    if not at and not set("*?") & set(domain):
        raise ValueError(f'{text!r} matches no address; write "*@{domain}" for all of a domain')
    if at and not set("*?[") & set(domain):
        domain = _domain(domain, f"{text!r} matches no address")
    if not domain.isascii():
        raise ValueError(f"{text!r} matches no address; write the domain in its ASCII form, xn--…")
    return Glob(f"{local}{at}{domain}")


def read_domain(text: str) -> DomainName:
    """Read a DNS name, converted by IDNA.

    A leading `@`, `.` or `*.` is dropped, because domains below it are meant in any case."""
    bare = text.strip().removeprefix("*").removeprefix("@").removeprefix(".")
    return DomainName(_domain(bare, f"{text!r} is not a domain"))


def read_domain_mask(text: str) -> DomainMask:
    """Read one domain, converted by IDNA; with a leading `*.` it means all domains below. A leading `@` is dropped."""
    below = text.strip().startswith("*.")
    domain = _domain(text.strip().removeprefix("*.").removeprefix("@"), f"{text!r} is not a domain")
    if "." not in domain:
        raise ValueError(f'{text!r} is too general; write a domain such as "client.example"')
    return DomainMask(f"*.{domain}" if below else domain)


def read_header_name(text: str) -> HeaderName:
    """Read the name of a header field (RFC 5322 2.2)."""
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError(f'{text!r} is not a header name; write it without the colon, "X-Spam-Flag"')
    return HeaderName(text)


def read_start(value: object) -> str | datetime:
    """Read `now`, `all`, or a date with or without time and zone, as text or as a TOML date."""
    if value in ("now", "all"):
        return str(value)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'expected "now", "all" or a date such as "2026-01-31", found {value!r}') from error
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 (the helpdesk's zone is added later)
    raise ValueError('expected "now", "all" or a date such as "2026-01-31"')


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: host and port, a UNIX socket at `path`, or the socket that systemd passes as `name`."""

    host: str = ""
    port: int = 0
    path: Path | None = None
    name: str = ""

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it. A socket from systemd counts as local, because its unit decides."""
        return not self.host or is_loopback(self.host)

    def __str__(self) -> str:
        if self.name:
            return f"systemd:{self.name}"
        if self.path is not None:
            return str(self.path)
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


ScannerEndpoint = NewType("ScannerEndpoint", Endpoint)  # where clamd answers


def read_endpoint(text: str, folder: Path) -> Endpoint:
    """Read `127.0.0.1:2525`, `[::1]:2525`, `*:25`, `/run/maild/lmtp.sock` (relative to `folder`) or `systemd:NAME`."""
    if text.startswith("systemd:") and text != "systemd:":
        return Endpoint(name=text.removeprefix("systemd:"))
    if "/" in text:
        path = folder / text
        if len(str(path).encode()) > _UNIX_PATH:
            raise ValueError(f"{str(path)!r} is too long for a Unix socket: at most {_UNIX_PATH} bytes")
        return Endpoint(path=path)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not port.isascii() or int(port) > 65_535:
        raise ValueError(
            f'{text!r} is not an address to listen at; write "127.0.0.1:2525", "/run/maild.sock" or "systemd:NAME"'
        )
    host = host.removeprefix("[").removesuffix("]")
    return Endpoint(host="0.0.0.0" if host in ("", "*") else read_host(host), port=int(port))  # noqa: S104 (asked for)


def read_scanner(text: str) -> ScannerEndpoint:
    """Read the address of clamd: `unix:/run/clamav/clamd.ctl`, the path alone, or `127.0.0.1:3310`."""
    path = text.removeprefix("unix:")
    if path.startswith("/"):
        return ScannerEndpoint(read_endpoint(path, Path("/")))
    host, _, port = text.rpartition(":")
    if (
        path != text
        or "/" in host
        or host in ("", "*", "systemd")
        or not port.isdecimal()
        or not 0 < int(port) < 65_536
    ):
        raise ValueError(f'{text!r} is not an address of clamd; write "unix:/run/clamav/clamd.ctl" or "127.0.0.1:3310"')
    return ScannerEndpoint(read_endpoint(text, Path("/")))


def is_loopback(host: str) -> bool:
    """Say whether traffic to this host stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
