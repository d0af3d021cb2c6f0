"""Mails without a person's words to us: loops, copies, reports, refused senders, absence notices, reactions."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.decision import Decision, Outcome
from maild.domain.effects import NotifyNextInLine, SetAbsence
from maild.domain.intake.bounce import bounced
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide.case import Case, actor_of, entry_of, held
from maild.domain.intake.route import Carrier, RouteKind
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.absence import Absence, absent_until
from maild.domain.people.directory import Trust
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY


def own_mail(case: Case) -> Decision | None:
    """Ignore our own mail that came back."""
    if case.classification.mail_class is MailClass.LOOP:
        return Decision(Outcome.IGNORED, case.classification.reason)
    return None


def too_many_hops(case: Case) -> Decision | None:
    """Ignore a mail that has passed too many servers."""
    if case.classification.mail_class is MailClass.TOO_MANY_HOPS:
        return Decision(Outcome.QUARANTINED, case.classification.reason)
    return None


def kept_before(case: Case) -> Decision | None:
    """Ignore a mail that came before by another way."""
    if case.route.verdict is RouteKind.DUPLICATE:
        return Decision(Outcome.DUPLICATE, case.route.reason)
    return None


def delivery_report(case: Case) -> Decision | None:
    """Judge a delivery report about a mail of ours."""
    if case.classification.mail_class is not MailClass.DSN:
        return None
    report = case.message.delivery_report
    if case.bounced is None:
        return Decision(Outcome.IGNORED, "a delivery report about a mail that is not ours")
    failed = [s for s in report.statuses if s.action == "failed"] if report else []
    if report and report.statuses and not failed:
        return Decision(Outcome.IGNORED, f"a delivery report without a failure: {report.statuses[0].action}")
    diagnostic = failed[0].diagnostic or failed[0].status if failed else case.message.subject
    if case.ticket is None:
        text = f"a mail to {case.bounced.recipient} could not be delivered: {diagnostic}"
        row = case.bounced.outbox
        return Decision(Outcome.BOUNCED, text, effects=(NotifyNextInLine(row, diagnostic),) if row is not None else ())
    # "failed" is the last word about a mail whatever the status says (RFC 3464 2.3.3): 4.4.7 is five days in vain.
    return bounced(case.ticket, case.bounced, diagnostic, by="delivery report", at=case.at, policy=case.policy)


def in_junk_folder(case: Case) -> Decision | None:
    """Hold what the provider takes for spam, without a word in any ticket.

    A stranger's spam must not reach agents by an old subject line."""
    if not case.junk:
        return None
    return Decision(Outcome.HELD, f"in the provider's spam folder {case.junk}")


def other_reports(case: Case) -> Decision | None:
    """Ignore read receipts and feedback reports."""
    if case.classification.mail_class in {MailClass.FEEDBACK_REPORT, MailClass.MDN}:
        return Decision(Outcome.IGNORED, case.classification.reason)
    return None


def refused_by_rule(case: Case) -> Decision | None:
    """Reject or ignore what a rule or ban says."""
    if case.filing.banned:
        return Decision(Outcome.IGNORED, f"the sender is banned: {case.filing.banned}")
    if case.filing.reject:
        return Decision(Outcome.REJECTED, f"a rule of the configuration rejects it ({', '.join(case.filing.trail)})")
    if case.filing.ignore:
        return Decision(Outcome.IGNORED, f"a rule of the configuration ignores it ({', '.join(case.filing.trail)})")
    return None


def own_address(case: Case) -> Decision | None:
    """Hold a mail from one of our addresses without a mark of ours that no list of ours brought: somebody must
    look.

    It is not dropped, because gateways of lists rewrite senders to exactly that."""
    sender = case.message.sender
    if sender is None or case.released or case.filing.requester or not case.policy.directory.is_own(sender.address):
        return None
    return held(case, "the sender is our own address; a list that feeds us belongs into [[list]]")


def vacation_answer(case: Case) -> Decision | None:
    """File an automatic reply where a customer's thread is known, and record it otherwise. It moves nothing.

    An agent's says that they are away."""
    if case.classification.mail_class is not MailClass.AUTO_REPLY:
        return None
    reason = case.classification.reason
    if case.ticket is not None and case.route.verdict is RouteKind.REPLY and case.route.scope is Scope.USER:
        return _filed(case, reason)
    if case.agent is not None and believed_absent(case):
        words = f"{case.message.subject}\n{case.message.new_text}"
        away = Absence(case.agent.name, case.at, absent_until(words, case.at))
        until = f"{away.until:%Y-%m-%d %H:%M} UTC"
        reason = f"{reason}; {case.agent.name} is away until {until}"
        return Decision(Outcome.IGNORED, reason, effects=(SetAbsence(away),))
    return Decision(Outcome.IGNORED, f"{reason}; it answers no ticket of a customer")


def believed_absent(case: Case) -> bool:
    """Tell whether an absence is believed: as an answer to a notice of ours, or authenticated.

    A forged absence would hide an agent from everybody."""
    if case.evidence.trust is Trust.FAILED:
        return False
    answered = case.route.carrier in {Carrier.REPLY_ADDRESS, Carrier.OWN_MESSAGE_ID}
    return answered or case.evidence.trust is Trust.VERIFIED


def reaction(case: Case) -> Decision | None:
    """File an emoji where it belongs. It reopens nothing and moves no clock.

    About an ended ticket it is told inside, because a sad face is worth a look."""
    if case.classification.mail_class is not MailClass.REACTION:
        return None
    if case.ticket is None or case.route.verdict is not RouteKind.REPLY or case.route.scope is not Scope.USER:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; to no mail of a customer's ticket")
    decision = _filed(case, case.classification.reason, told=case.ticket.status.ended)
    entry = entry_of(case)
    return replace(decision, entries=(entry if entry.text.strip() else replace(entry, text=case.message.reaction),))


def _filed(case: Case, reason: str, *, told: bool = False) -> Decision:
    """File a program's mail, or one tap, in the thread: silently, or for the information of those in charge."""
    actor = actor_of(case)
    event = events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, automatic=not told, courtesy=told)
    return Decision(Outcome.REPLIED, reason, (event,), (entry_of(case),), actor)
