import numpy as np
import pytest
import torch
from torchvision.models import inception_v3

from slug_lightning.canvas import features
from slug_lightning.canvas.features import BenchmarkInception, MiniatureFeatures, make_fid
from slug_lightning.errors import BadDataError, DataNotFoundError, SettingError


def test_fid_is_the_frechet_distance_of_the_features():
    generator = torch.Generator().manual_seed(0)
    real = torch.randint(0, 256, (300, 3, 32, 32), generator=generator, dtype=torch.uint8)
    fake = torch.randint(40, 200, (300, 3, 32, 32), generator=generator, dtype=torch.uint8)
    metric = make_fid("miniature")
    metric.update(real, real=True)
    metric.update(fake[:100], real=False)
    metric.update(fake[100:], real=False)
    see = MiniatureFeatures()
    with torch.no_grad():
        a, b = (see(images).double().numpy() for images in (real, fake))
    values, vectors = np.linalg.eigh(np.cov(a.T))
    half = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
    root = np.sqrt(np.clip(np.linalg.eigvalsh(half @ np.cov(b.T) @ half), 0, None)).sum()
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(np.cov(a.T) + np.cov(b.T)) - 2 * root
    assert float(metric.compute()) == pytest.approx(expected, rel=0.02)
    metric.reset()
    metric.update(real, real=True)
    metric.update(real, real=False)
    assert abs(float(metric.compute())) < 0.02 * expected


def test_none_is_none_and_a_missing_file_is_named(tmp_path):
    assert make_fid("none") is None
    with pytest.raises(DataNotFoundError, match="library, miniature, none or torchvision's Inception"):
        make_fid(tmp_path / "inception.pth")
    (tmp_path / "inception.pth").write_bytes(b"x")
    with pytest.raises(BadDataError, match="torchvision's Inception checkpoint"):
        make_fid(tmp_path / "inception.pth")


def test_a_library_that_cannot_fetch_its_weights_says_what_to_do(monkeypatch):
    def offline(feature):
        raise OSError("no route to host")

    monkeypatch.setattr(features, "FrechetInceptionDistance", offline)
    with pytest.raises(
        SettingError, match="download Inception's weights .* no route to host. Run once with a network"
    ):
        make_fid("library")

    def missing(feature):
        raise ModuleNotFoundError("no torch-fidelity")

    monkeypatch.setattr(features, "FrechetInceptionDistance", missing)
    with pytest.raises(SettingError, match="the package torch-fidelity for --fid library; install it"):
        make_fid("library")


@pytest.mark.slow
def test_torchvisions_inception_is_seen_through_as_the_benchmark_does(tmp_path):
    torch.manual_seed(0)
    network = inception_v3(weights=None, transform_input=True, init_weights=False).eval()
    path = tmp_path / "inception.pth"
    torch.save(network.state_dict(), path)
    images = torch.randint(0, 256, (2, 3, 299, 299), dtype=torch.uint8)
    kept = []
    network.Mixed_7c.register_forward_hook(lambda module, inputs, output: kept.append(output))
    see = BenchmarkInception(path)
    # As the benchmark: 299 pixels, [-1, 1], then torchvision's own normalisation; the mean over 8 x 8.
    resized = torch.nn.functional.interpolate(images.float(), (512, 512), mode="bilinear").round()
    resized = torch.nn.functional.interpolate(resized, (299, 299), mode="bilinear").round()
    with torch.no_grad():
        network(resized / 255 * 2 - 1)
        found = see(images)
    assert found.shape == (2, 2048)
    torch.testing.assert_close(found, kept[0].flatten(2).mean(2))
