"""One LMTP dialogue: what differs from SMTP."""

from __future__ import annotations

from aiosmtpd.smtp import Envelope as OpenEnvelope
from aiosmtpd.smtp import syntax

from maild.sources import smtp_replies as replies
from maild.sources.smtp_session import SmtpSession


class LmtpSession(SmtpSession):
    """An LMTP dialogue (RFC 2033): LHLO, and after DATA one reply for each recipient that was taken."""

    source = "lmtp"
    hello = "LHLO"

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        await self.push(replies.SAY_LHLO)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        await self.push(replies.SAY_LHLO)

    def _verdict(self, reply: str, envelope: OpenEnvelope) -> str:
        # RFC 2033 4.2: in the order of RCPT, and twice for one that was named twice. 421 speaks of the connection.
        return reply if reply.startswith("421") else "\r\n".join([reply] * len(envelope.rcpt_tos))
