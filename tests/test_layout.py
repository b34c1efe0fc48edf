"""The house keeps its shape: who may import whom, and a test beside every module."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "slug_lightning"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))

# Later layers may import earlier ones, never the other way round.
LAYERS = [
    {"errors", "atomic", "tensor_file"},
    {"functional"},
    {"models", "data", "metrics", "curation"},
    {"hosts"},
    {"patch", "search", "reports", "miniature", "canvas"},
    {"unlearning"},
    {"callbacks", "preemption", "audit"},
    {"trainer"},
    {"comparison"},
    {"cli"},
]


def rank(part):
    return next(i for i, layer in enumerate(LAYERS) if part in layer)


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            if name.startswith("slug_lightning."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_dependencies_point_one_way(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for part in imported_parts(path):
        assert part == own or rank(part) <= rank(own), f"{own} imports {part}"


def test_functional_knows_torch_alone():
    for path in (PACKAGE / "functional").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and not node.module.startswith("slug_lightning")
            ):
                assert node.module.split(".")[0] in {"torch", "math", "collections"}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_has_its_test(path):
    relative = path.relative_to(PACKAGE)
    assert (PACKAGE.parent / "tests" / relative.parent / f"test_{relative.name}").is_file()
