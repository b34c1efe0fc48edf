import pytest

from slug_lightning.comparison.request import Request


@pytest.fixture
def request_of(tiny_world):
    """Makes small comparisons on the tiny world: SLUG on one layer, and what a test adds."""

    def make(methods=None, concepts=("seven",), seeds=(0,), gold=None, **more):
        slug = {"search": {"evaluations": 2, "layers": ["text_projection"]}}
        return Request(
            {"SLUG": slug} if methods is None else methods,
            {
                "root": str(tiny_world),
                "forget_shards": "forget/{concept}/*.tar",
                "retain_shards": "laion/*.tar",
                "retain_sample": 64,
                "forget_sample": 32,
                "group_size": 32,
                "identities": {"root": "celeba", "partition": "celeba/list_eval_partition.txt"},
                **more,
            },
            list(concepts),
            list(seeds),
            gold=gold or {},
        )

    return make


def cell(method="SLUG", concept="seven", seed=0, **figures):
    """Content of a finished cell, as the table reads it; percent where a share is meant."""
    given = {
        "fa1": 0.0, "fa5": 20.0, "identities": 96.0, "styles": 98.0, "membership": 52.0,
        "seconds": 10.0, "memory": 2e8, "stored": 7e4, "feasible": True, "distance": None, **figures,
    }  # fmt: skip
    metrics = {
        "forget/top1": given["fa1"],
        "forget/top5": given["fa5"],
        "retain/identities_top1": given["identities"],
        "retain/imagenet_top1": given["styles"],
    }
    cost = {"processor_seconds": "seconds", "memory_bytes": "memory", "patch_bytes": "stored"}
    return {
        "cell": {"method": method, "concept": concept, "seed": seed},
        "feasible": given["feasible"],
        "trials": 25,
        "metrics": {n: {"value": v / 100, "n": 50, "ci95": [0, 1]} for n, v in metrics.items()},
        "membership": {"value": given["membership"] / 100},
        "distance": given["distance"],
        "classes": {"forget": [[0.5, 0.5]], "identities": [[1.0, 0.0]]},
        "cost": {name: given[key] for name, key in cost.items()},
    }
