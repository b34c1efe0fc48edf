"""The activation function of a tower's blocks: equal weights with another one are another model."""

from torch import nn

from slug_lightning.models.layers import TowerName


def activation_of(model: nn.Module, tower: TowerName) -> str | None:
    """Activation of an open_clip tower, as transformers names it.

    Args:
        model: open_clip model.
        tower: Which tower.

    Returns:
        ``gelu`` or ``quick_gelu``; ``None`` for any other, or for several.
    """
    found = set()
    for name, module in model.named_modules():
        if name.startswith("visual.") == (tower == "vision") and ".mlp." in name:
            kind = type(module).__name__
            if kind == "QuickGELU":
                found.add("quick_gelu")
            elif isinstance(module, nn.GELU):
                found.add("gelu" if module.approximate == "none" else "gelu_pytorch_tanh")
    known = found & {"gelu", "quick_gelu"}
    return known.pop() if len(found) == 1 and known else None
