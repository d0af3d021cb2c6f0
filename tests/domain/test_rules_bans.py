"""Who is banned, and what that means for a mail."""

from maild.config.expressions import Pattern as Rx
from maild.domain.intake.rules import Ban, Filing, Match, Rule, file, refused_at_the_door
from maild.domain.messages.message import Envelope
from tests.domain.mail_scene import KAREN, MALLORY, mail
from tests.rig.misses import in_turn

BANS = [
    (Ban(address="pest@client.example"), "pest@client.example", True),
    (Ban(address="pest@client.example"), "PEST@Client.Example", True),
    (Ban(address="pest@client.example"), "apest@client.example", False),
    (Ban(domain="spam.example"), "a@spam.example", True),
    (Ban(domain="spam.example"), "a@deep.below.SPAM.example", True),
    (Ban(domain="spam.example"), "a@nospam.example", False),
    (Ban(domain="spam.example"), "spam.example@client.example", False),
    (Ban(domain="spam.example"), '"@spam.example"@client.example', False),
    (Ban(pattern="casino-*@*"), "Casino-7@any.example", True),
    (Ban(pattern="casino-*@*"), "my-casino-7@any.example", False),
    (Ban(pattern="*"), "", False),  # the null reverse-path carries bounces
    (Ban(pattern="*"), "<>", False),
    (Ban(domain="spam.example"), "<a@spam.example>", True),
    (Ban(address="kelvin@client.example"), "\u212aelvin@client.example", False),  # another letter, another person
    (Ban(), "a@spam.example", False),
]


@in_turn(("ban", "sender", "banned"), BANS)
def test_for_whom_a_ban_holds(ban: Ban, sender: str, banned: bool):
    assert ban.holds_for(sender) is banned


def test_a_banned_senders_mail_is_ignored_with_the_reason_and_meets_no_rule():
    bans = (Ban(domain="other.example"), Ban(domain="evil.example", reason="adverts"))
    rules = (Rule(Match(subject=Rx(".*")), priority="high"),)
    filing = file(mail(MALLORY), Envelope(), (), rules, bans=bans)
    assert filing == Filing(ignore=True, banned="domain evil.example (adverts)", trail=("ban: domain evil.example",))


def test_a_ban_is_also_for_the_sender_of_the_envelope():
    bans = (Ban(address="mallory@evil.example"),)
    assert file(mail(KAREN), Envelope("mallory@evil.example"), (), (), bans=bans).banned
    assert not file(mail(KAREN), Envelope("karen@client.example"), (), (), bans=bans).banned
    assert not file(mail(None), Envelope(""), (), (), bans=(Ban(pattern="*"),)).banned


def test_the_door_is_shut_only_by_a_ban_that_says_so():
    quiet, loud = Ban(domain="quiet.example"), Ban(domain="loud.example", reject=True)
    assert refused_at_the_door("a@loud.example", (quiet, loud))
    assert not refused_at_the_door("a@quiet.example", (quiet, loud))
    assert refused_at_the_door("a@quiet.example", (quiet, Ban(pattern="*@quiet.*", reject=True)))


def test_a_ban_that_rejects_still_only_ignores_what_came_another_way():
    filing = file(mail(MALLORY), Envelope(), (), (), bans=(Ban(domain="evil.example", reject=True),))
    assert (filing.ignore, filing.reject) == (True, False)
