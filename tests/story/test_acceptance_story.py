"""The acceptance story at the door: real Dovecot in, real Postfix in by LMTP, real Postfix as the relay out."""

import pytest

from maild.cli.story import SCENES, play
from tests.rig.postfix import why_no_postfix
from tests.story.door import door_stage

pytestmark = pytest.mark.door


@pytest.mark.parametrize("way_in", ["imap", "lmtp"])
def test_the_lifecycle_is_played_by_mail_alone(way_in, tmp_path):
    if obstacle := why_no_postfix():
        pytest.skip(obstacle)
    with door_stage(tmp_path, way_in) as stage:
        assert play(stage) == []
        assert len(stage.narration) == len(SCENES)
