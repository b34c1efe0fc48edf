"""The plain loop of the benchmark and the gradient pass compute the same means."""

from benchmarks import naive, ours
from benchmarks.agreement import gradient_difference
from benchmarks.measuring import Meter
from slug_lightning.models import load_clip


def test_equals_the_gradient_pass(tiny_setting):
    fast = ours.mean_gradients(tiny_setting, Meter())
    clip = load_clip("miniature")
    plain = naive.mean_gradients(clip, tiny_setting, Meter())
    assert set(plain["forget"]) > set(fast.forget)  # it takes every parameter
    assert gradient_difference(fast.forget, plain["forget"]) < 1e-5
    assert gradient_difference(fast.retain, plain["retain"]) < 1e-5
