"""Quantisation: does the concept come back when weights are rounded to a few bits?"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from slug_lightning.audit.checks import Check, Limits, check_figure
from slug_lightning.audit.findings import Figure, Findings, largest
from slug_lightning.audit.host import Host
from slug_lightning.audit.restoring import restored
from slug_lightning.errors import SettingError

Scheme = Literal["int8", "int4"]
TORCHAO = "pip install 'slug_lightning[audit]'"


@dataclass(frozen=True)
class QuantisationSettings:
    """Which roundings are tried.

    Attributes:
        schemes: ``int8``: symmetric, one scale per row. ``int4``: symmetric, one scale per ``group`` inputs.
        group: Inputs that share a scale; a row that it does not divide has one scale.
    """

    schemes: list[Scheme] = field(default_factory=lambda: ["int8", "int4"])
    group: int = 32


@dataclass(frozen=True)
class Rounded:
    """A rounded weight.

    Attributes:
        values: What the weight is after rounding, in its shape.
        codes: The integers, same shape.
        scale: Size of one rounding step at each weight, same shape.
    """

    values: Tensor
    codes: Tensor
    scale: Tensor


def round_weight(weight: Tensor, scheme: Scheme, group: int = 32, columns: bool = False) -> Rounded:
    """Round a weight as torchao's weight-only schemes do.

    Args:
        weight: Two dimensions or more; those behind the first are taken as inputs.
        scheme: See ``QuantisationSettings``.
        group: See there.
        columns: Whether the columns are the outputs, as in a projection that activations are multiplied with.

    Raises:
        SettingError: If torchao is not installed.
    """
    shape = weight.shape
    matrix = weight.detach().float().cpu().flatten(1)
    linear = nn.Linear(1, 1, bias=False)
    linear.weight = nn.Parameter((matrix.T if columns else matrix).contiguous(), requires_grad=False)
    quantize, config = _torchao(scheme, group, linear.weight.shape[1])
    quantize(linear, config)
    packed: Any = linear.weight
    values, codes, scale = packed.dequantize(), packed.qdata, packed.scale
    scale = scale.repeat_interleave(values.shape[1] // scale.shape[1], dim=1)
    parts = (part.T if columns else part for part in (values, codes, scale))
    return Rounded(*(part.reshape(shape).to(weight.device) for part in parts))


def _torchao(scheme: Scheme, group: int, inputs: int) -> tuple[Any, Any]:
    """The function of torchao and its configuration of a scheme."""
    log = logging.getLogger("torch.utils._pytree")
    level = log.level
    try:
        log.setLevel(logging.ERROR)  # torch 2.14 logs that torchao 0.18 registers an enumeration
        from torchao.quantization import (
            Int8WeightOnlyConfig,
            IntxWeightOnlyConfig,
            PerAxis,
            PerGroup,
            quantize_,
        )
    except ImportError as error:
        msg = f"Expected torchao for the quantisation attack, but it is not installed: {TORCHAO}."
        raise SettingError(msg) from error
    finally:
        log.setLevel(level)
    if scheme == "int8":
        return quantize_, Int8WeightOnlyConfig()
    size = PerGroup(group) if inputs % group == 0 else PerAxis(0)
    dtypes: Any = torch  # its stubs do not know int4
    return quantize_, IntxWeightOnlyConfig(weight_dtype=dtypes.int4, granularity=size)


def is_transposed(name: str) -> bool:
    """Whether a layer is multiplied from the right: open_clip's bare projections.

    Example:
        >>> is_transposed("visual.proj"), is_transposed("visual.conv1.weight")
        (True, False)
    """
    return name.rsplit(".", 1)[-1] in ("proj", "text_projection")


@contextmanager
def quantised(weights: Mapping[str, Tensor], scheme: Scheme, group: int) -> Iterator[None]:
    """Rounded weights inside the block; afterwards the originals, bit for bit."""
    with restored(weights.values()):
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(round_weight(weight, scheme, group, is_transposed(name)).values)
        yield


def quantisation(host: Host, settings: QuantisationSettings) -> Findings:
    """Figures of each version after its weights were rounded, and what rounding leaves of the update.

    Definition: every weight matrix of the model (not biases, embeddings and normalisation) is replaced by its
    values after weight-only rounding with torchao: ``int8`` symmetric per output row, ``int4`` symmetric per
    group of inputs. Activations stay in float32. This is what an int8 or int4 kernel computes, up to the
    rounding of its sums. Of the edited layer: median of ``|update| / rounding step``; share of weights whose
    integer changes; and the share of the update that is left,
    ``<Q(after) - Q(before), update> / <update, update>``.
    Source: Zhang et al. 2024, Catastrophic Failure of LLM Unlearning via Quantization (arXiv 2410.16454);
    schemes of torchao (docs.pytorch.org/ao).
    """
    figures: list[Figure] = []
    for scheme in settings.schemes:
        rounding = partial(quantised, scheme=scheme, group=settings.group)
        for version in host.versions:
            figures += host.figures(version, scheme, rounding)
        if (edit := host.edit()) is not None:
            figures += survival(*edit, scheme, settings.group)
    return Findings(figures)


def survival(name: str, before: Tensor, after: Tensor, scheme: Scheme, group: int) -> list[Figure]:
    """What is left of an update after both weights are rounded; see ``quantisation``."""
    old, new = (round_weight(weight, scheme, group, is_transposed(name)) for weight in (before, after))
    update = (after - before).double()
    left = (new.values - old.values).double()
    size = float(update.square().sum())
    kept = float((left * update).sum()) / size if size else 0.0
    steps = float((update.abs() / old.scale.double()).median())
    changed = int((new.codes != old.codes).sum())
    count = update.numel()
    return [
        Figure("update/rounding_steps", "after", scheme, steps, count),
        Figure.share("update/changed", "after", scheme, changed, count),
        Figure("update/kept", "after", scheme, kept, count),
    ]


def judge_quantisation(findings: Findings, limits: Limits) -> list[Check]:
    """The highest forget accuracy of the patched model over the schemes."""
    worst = largest(findings.forget("after"))
    return [check_figure("quantised_forget", worst, limits.quantised_forget, "no scheme was tried")]
