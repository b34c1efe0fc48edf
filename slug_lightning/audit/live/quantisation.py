"""Quantisation: does the host do the concept again when its weights are rounded to a few bits?"""

from slug_lightning.audit import quantisation as on_any
from slug_lightning.audit.findings import Findings
from slug_lightning.audit.metric_host import MetricHost
from slug_lightning.audit.quantisation import QuantisationSettings


def quantisation(host: MetricHost, settings: QuantisationSettings) -> Findings:
    """Figures of each version after the weights of the whole host were rounded.

    Definition: the weight of every linear and convolutional layer of the host, but those of its image
    decoder, is replaced by its values after weight-only rounding with torchao: ``int8`` symmetric per output
    row, ``int4`` symmetric per group of inputs. What rounding leaves of the update is told of the CLIP.
    Source: Zhang et al. 2024, Catastrophic Failure of LLM Unlearning via Quantization (arXiv 2410.16454);
    schemes of torchao (docs.pytorch.org/ao).
    """
    return on_any.quantisation(host, settings)
