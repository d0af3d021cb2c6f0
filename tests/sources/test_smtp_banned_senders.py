"""Senders whom a ban refuses in the dialogue."""

from tests.sources.smtp_listening import Intake, Wire, listening


def test_a_refused_sender_is_told_so_and_another_one_may_follow() -> None:
    intake = Intake()
    with (
        listening(intake, refuses_sender=lambda sender: sender.endswith("@spam.test")) as place,
        Wire(place.smtp) as wire,
    ):
        wire.say("EHLO client.test")
        assert wire.say("MAIL FROM:<a@spam.test>").startswith("550 5.7.1 ")
        assert wire.say("RCPT TO:<support@help.test>").startswith("503 ")
        assert wire.say("MAIL FROM:<karen@customer.test>").startswith("250 ")


def test_bounces_come_in_whoever_is_refused() -> None:
    with listening(Intake(), refuses_sender=lambda _: True) as place, Wire(place.smtp) as wire:
        wire.say("EHLO client.test")
        assert wire.say("MAIL FROM:<>").startswith("250 ")
        assert wire.say("RSET").startswith("250 ")
        assert wire.say("MAIL FROM:<karen@customer.test>").startswith("550 5.7.1 ")
