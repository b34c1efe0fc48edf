# Everything runs inside .venv, which the first target that needs it makes.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := .venv-tools
TOOLS_READY := $(TOOLS)/.ready
SITE := -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
CONCEPT ?= seven

.PHONY: install tools demo docs test slow lint bench bench-speed clean

install: $(READY)

# torch and torchvision must come from the same index in one go, or torchvision's operators do not load.
$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "slug_lightning needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

# Tools that users run beside this package and that need older packages; the slow proofs run them as they are.
# What they do not pin (torch, open_clip) is taken from $(VENV): a second copy would be 6 GB. pip then says that their
# older packages conflict with this one, which is why they live apart.
tools: $(TOOLS_READY)

$(TOOLS_READY): tests/tools-requirements.txt | $(READY)
	$(PYTHON) -m venv $(TOOLS)
	$(BIN)/python $(SITE) > "$$($(TOOLS)/bin/python $(SITE))/slug_lightning.pth"
	$(TOOLS)/bin/python -m pip install --quiet --requirement tests/tools-requirements.txt
	@touch $(TOOLS_READY)

demo: $(READY)
	$(BIN)/slug demo --concept $(CONCEPT)

# Warnings are errors: a page that is in no list, a link that leads nowhere, a docstring that cannot be read.
docs: $(READY)
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build

# One thread each: more would wait for one another. Modules stay whole, since their tests share runs.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope

slow: $(READY) $(TOOLS_READY)
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/ten_concepts.py
	$(BIN)/python -m benchmarks.speed --size miniature

# Hours on two cores, nearly all of them the baseline's: a ViT-B-32, and how cost grows.
bench-speed: $(READY)
	$(BIN)/python -m benchmarks.speed --size vit-b-32
	$(BIN)/python -m benchmarks.scaling --model miniature
	$(BIN)/python -m benchmarks.scaling --model vit-b-32 --repeats 1

clean:
	rm -rf $(VENV) $(TOOLS) build dist docs/_build docs/api docs/generated *.egg-info .mypy_cache .pytest_cache .ruff_cache
