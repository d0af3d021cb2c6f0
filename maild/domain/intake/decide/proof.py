"""Is it the agent who writes? The ladder of evidence (03, section 3.5), and what follows when it does not suffice.

Three things can speak for an agent: the sealed address that only they were given, their From on file, and a trusted
authentication result. How much of it an act needs is `security.agent_proof`:

    strict     all three, for every act
    normal     a failed authentication never acts; without a result the sealed address suffices for what can be undone;
               without the sealed address a verified sender's text stays inside, and commands are not carried out
    trusting   From at its word where the sealed address fits; without it, as in normal

An agent's own yes at the address on file takes the place of all that. That somebody let a mail in proves nothing of its
sender, and whoever wrote it: what they may not see they may not change."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.commands.apply import parse
from maild.domain.decision import Decision, Transcript
from maild.domain.effects import HoldReply, MessageToAgent
from maild.domain.intake.decide.case import Case, held, with_message
from maild.domain.intake.route import Carrier
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice, feedback
from maild.domain.notices.buttons import IT_WAS_ME, NOT_ME
from maild.domain.people.directory import Trust
from maild.domain.policy import AgentProof
from maild.domain.tickets.held_replies import MOST_QUESTIONS, HeldReplyKind
from maild.domain.tickets.visibility import may_see


def unproven(case: Case, words: str) -> str:
    """Return why an answer to one of our mails does not count as the agent's; "" when it does. `words` are their
    own text."""
    if case.proven:
        return ""
    proof, trust = case.policy.agent_proof, case.evidence.trust
    sealed = is_sealed(case)
    if proof is AgentProof.TRUSTING and sealed:
        return ""
    if trust is Trust.FAILED:
        return f"the sender is not proven: {case.evidence.reason}"
    if trust is not Trust.VERIFIED and (proof is AgentProof.STRICT or not sealed):
        return "the sender is not proven: neither a sealed reply address nor a trusted authentication result"
    if not sealed and _commands(words):
        return "commands need an answer to a notice, to its reply address"
    return ""


def forged(case: Case, *, outward: bool = False) -> str:
    """Return why a mail that answers no notice does not count as the agent's; "" when it does.

    `outward`: the mail makes us write to somebody, or counts as an answer to a customer. A From alone allows
    that at no level: also at `trusting` it needs the sealed address or a trusted result."""
    if case.proven:
        return ""
    proof, trust = case.policy.agent_proof, case.evidence.trust
    at_its_word = proof is AgentProof.TRUSTING and is_sealed(case)
    needs_result = proof is AgentProof.STRICT or (outward and not at_its_word)
    if trust is Trust.FAILED or (needs_result and trust is not Trust.VERIFIED):
        return f"the sender is not proven: {case.evidence.reason}"
    return ""


def is_sealed(case: Case) -> bool:
    """Tell whether the mail answers one of our mails to this agent. The root id names a ticket and nobody, so it
    proves nothing."""
    if case.route.carrier is Carrier.REPLY_ADDRESS:
        return True
    return case.route.carrier is Carrier.OWN_MESSAGE_ID and case.route.seen is not None


def asked_back(case: Case, doubt: str) -> Decision:
    """Hold the mail, and ask the agent at the address on file whether they wrote it. Their answer releases it once.

    When enough such questions are open, or this mail answers one, it is held without a question. It is asked
    about when its turn comes, and reminders count it."""
    decision = held(case, doubt)
    agent = case.agent
    hidden = agent is not None and case.ticket is not None and not may_see(agent, case.ticket, case.policy.directory)
    waiting = [draft for draft in case.drafts if draft.kind is HeldReplyKind.UNPROVEN and not draft.settled_as]
    if agent is None or case.automatic or hidden or case.inbound in {draft.inbound for draft in waiting}:
        return decision
    text = case.message.new_text
    hold = HoldReply(kind=HeldReplyKind.UNPROVEN, agent=agent.name, reason=doubt, text=text)
    decision = decision.with_effects(hold)
    if len(waiting) >= MOST_QUESTIONS or case.route.verb:
        return decision
    question = Notice(
        template="was-this-you",
        to=agent.person,
        scope=Scope.COMMAND,
        reason="a mail came in your name",
        agent=agent.name,
        buttons=(IT_WAS_ME, NOT_ME),
    )
    return with_message(case, decision, question, f"Was this you? {case.message.subject}".strip())


def without_right(case: Case) -> Decision | None:
    """Hold an agent's answer about a ticket that they may not see any more. None for everybody who may.

    Those in charge look at it. The writer hears of it in a mail that says nothing of the ticket."""
    agent, ticket = case.agent, case.ticket
    if agent is None or ticket is None or may_see(agent, ticket, case.policy.directory):
        return None
    reason = "its writer may not see this ticket"
    decision = held(case, reason)
    problem = f"ticket {ticket.number} is not among yours: your mail waits for those who work on it"
    message = MessageToAgent(
        notice=replace(feedback(agent, Scope.QUERY), buttons=()),
        subject="Your mail was not filed",
        in_reply_to=case.message.message_id,
    )
    transcript = Transcript(problems=(("", problem, ""),), original_text=case.message.new_text)
    return replace(decision, mails=replace(decision.mails, transcript=transcript)).with_effects(message)


def _commands(words: str) -> bool:
    parsed = parse(words)
    return bool(parsed.commands or parsed.problems)
