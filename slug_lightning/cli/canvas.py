"""``slug canvas``: UnlearnCanvas, or the same in miniature, on patched pipelines or folders of images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from slug_lightning.cli.typed_function import run_function

EXAMPLES = """examples:
  slug canvas --config configs/canvas/unlearncanvas.yaml
  slug canvas --config configs/canvas/miniature.yaml --targets seven chalk_drawing
  slug canvas --images 'answers/{target}' --targets Crayon --original false --references data/unlearn_canvas
"""


def canvas(
    protocol: str = "unlearncanvas",
    targets: list[str] | None = None,
    pipeline: str | None = None,
    patches: str | None = None,
    images: str = "{out}/images/{target}",
    references: str | None = None,
    style_classifier: str = "checkpoints/cls_model/style50.pth",
    object_classifier: str = "checkpoints/cls_model/style50_cls.pth",
    architecture: str = "vit_large_patch16_224.augreg_in21k",
    fid: str = "library",
    original: bool = True,
    without_patch: Literal["refuse", "original"] = "refuse",
    method: str = "slug_lightning",
    sampler: Literal["ddim", "own"] = "ddim",
    precision: Literal["float32", "float16", "bfloat16"] = "float32",
    device: str | None = None,
    draw_batch: int = 4,
    batch_size: int = 50,
    num_workers: int = 0,
    out: Path = Path("runs/canvas"),
) -> int:
    """Measure what models draw after unlearning one style or one object each: UA, IRA, CRA and FID.

    For each target the model draws every theme with every object under every seed (5,100 images for
    UnlearnCanvas); two classifiers say what they show. With --pipeline and --patches the images are drawn,
    and a run that was ended goes on where it stopped; without --pipeline they are taken from --images, named
    {theme}_{object}_seed{seed}.jpg. Writes OUT/results/TARGET.json, OUT/canvas.json and OUT/canvas.md, the
    table with the published rows. Exit status 2 if some target could not be measured; the others are.

    Args:
        protocol: unlearncanvas, miniature, or a JSON file like those.
        targets: all, styles, objects, or names, one or several. Several machines may each take some into one
            OUT: the table is of all results there.
        pipeline: miniature, or a Stable Diffusion's folder of diffusers, fine-tuned on the data set.
        patches: Pattern of the patch files, {target} stands for the name; of several the newest.
        images: Pattern of the folders of images; {target} is original for the model without a patch.
        references: Folder of the data set ({theme}/{object}/{1..5}.jpg) for FID, or miniature.
        style_classifier: Checkpoint, or miniature.
        object_classifier: Checkpoint, or miniature.
        architecture: Of the checkpoints, by its name in timm.
        fid: library (torchmetrics' standard), torchvision's inception_v3_google-*.pth (the features of the
            benchmark's script), miniature, or none.
        original: Also measure the model without a patch.
        without_patch: Whether a target without a patch file is an error, or counts as the original model.
        method: Name of the row.
        sampler: ddim (eta 0), or the pipeline's own.
        precision: Of the pipeline's weights.
        device: cpu, cuda, ...; cuda where there is one.
        draw_batch: Images drawn together.
        batch_size: Images looked at together.
        num_workers: Processes that decode images.
        out: Where results go.
    """
    from slug_lightning.canvas.protocol import load_protocol
    from slug_lightning.cli.canvassing import Canvassing

    benchmark = load_protocol(protocol)
    groups = {"all": benchmark.targets, "styles": benchmark.styles, "objects": benchmark.objects}
    named = [name for word in targets or ["all"] for name in groups.get(word, (word,))]
    chosen = list(dict.fromkeys(named))
    for target in chosen:
        benchmark.kind(target)
    run = Canvassing(
        protocol=benchmark,
        pipeline=pipeline,
        patches=patches,
        images=images,
        references=references,
        classifiers={"style": style_classifier, "object": object_classifier},
        architecture=architecture,
        fid=fid,
        original=original,
        without_patch=without_patch,
        method=method,
        sampler=sampler,
        precision=precision,
        device=device,
        draw_batch=draw_batch,
        batch_size=batch_size,
        num_workers=num_workers,
        out=out,
    )
    return run.run(chosen)


def run(words: Sequence[str]) -> int:
    """Parse and run."""
    return run_function(canvas, words[1:], "slug canvas", epilog=EXAMPLES)
