from slug_lightning.audit.live.settings import LiveSettings
from slug_lightning.audit.settings import AuditSettings


def test_a_host_is_asked_less_often_than_the_clip():
    on_host, on_clip = LiveSettings().relearning, AuditSettings().relearning
    assert on_host.pairs == on_clip.pairs
    assert len(on_host.steps) < len(on_clip.steps)
    assert on_host.batch_size < on_clip.batch_size
    assert max(on_host.steps) == max(on_clip.steps)
