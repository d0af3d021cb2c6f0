"""One LMTP dialogue (RFC 2033): only what differs from SMTP."""

from __future__ import annotations

from aiosmtpd.smtp import Envelope as OpenEnvelope
from aiosmtpd.smtp import syntax

from maild.sources import smtp_replies as replies
from maild.sources.smtp_session import SmtpSession


class LmtpSession(SmtpSession):
    """An LMTP dialogue: LHLO instead of EHLO, and after DATA one reply for each accepted recipient (RFC 2033 4)."""

    source = "lmtp"
    hello = "LHLO"

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Answer LHLO as SMTP answers EHLO (RFC 2033 4.1)."""
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Refuse EHLO (RFC 2033 4.1)."""
        await self.push(replies.SAY_LHLO)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Refuse HELO (RFC 2033 4.1)."""
        await self.push(replies.SAY_LHLO)

    def _final_reply(self, reply: str, envelope: OpenEnvelope) -> str:
        """Repeat the reply for each recipient, in the order of RCPT, also for one that was named twice (RFC 2033 4.2).

        421 is about the connection, so it is sent once."""
        return reply if reply.startswith("421") else "\r\n".join([reply] * len(envelope.rcpt_tos))
