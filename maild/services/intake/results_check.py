"""Find mailboxes that trust a server whose results never count: then nobody who writes there is ever authenticated.

The newest mails are judged again by the present settings, so that a corrected setting shows at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from maild.mail.headers.border import counting, server_fields
from maild.mail.reading.parts import MAX_NESTED_HEADER, header_of
from maild.ports import OpenUnitOfWork
from maild.services.helpdesk import MailboxOrigin

NEWEST = 50  # mails of each mailbox that are looked at
_SHOWN = 100  # characters of a list of names


def unheard_servers(open_unit: OpenUnitOfWork, origins: Mapping[str, MailboxOrigin]) -> Iterator[str]:
    """Yield a sentence for each mailbox, and for the listener, none of whose newest mails has a result that counts.

    It names the most frequent reason, and with it the setting that may be meant. Places without mail are left out."""
    for name, origin in origins.items():
        if not origin.servers.authserv or origin.junk:
            continue
        with open_unit(reading=True) as unit:
            heads = unit.inbound.newest_heads(name, NEWEST, MAX_NESTED_HEADER)
        found = [counting(server_fields(header_of(raw).raw_items()), origin.servers, peer) for raw, peer in heads]
        if not found or any(not each.missing for each in found):
            continue
        ((why, _),) = Counter(each.missing for each in found).most_common(1)
        where = f"mailbox {name}" if name else "the listener"
        names = " or ".join(origin.servers.authserv)[:_SHOWN]
        yield f"{where}: no Authentication-Results by {names} count in any of the last {len(found)} mails; {why}"
