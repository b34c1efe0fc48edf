import torch
import torch.nn.functional as F

from slug_lightning.metrics import MeanEmbedding


def test_equals_a_loop_in_any_batching():
    embeddings = F.normalize(torch.randn(20, 4), dim=-1)
    labels = torch.arange(20) % 3
    metric = MeanEmbedding(classes=4, dim=4)
    for start in range(0, 20, 6):
        metric.update(embeddings[start : start + 6], labels[start : start + 6])
    result = metric.compute()[0]
    for label in range(3):
        expected = F.normalize(embeddings[labels == label].mean(dim=0), dim=0)
        torch.testing.assert_close(result[label], expected)
    assert torch.equal(result[3], torch.zeros(4))
