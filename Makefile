# Two commands set everything up: `make demo` and `make test`.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALLED := .venv/.installed
PINS := constraints.txt
TESTS ?= tests
# on two cores: tests wait for a third of the time
JOBS ?= 3

.PHONY: demo test test-all test-faults peer-tests lint bench clean

demo: $(INSTALLED)  ## a complete project in demo/: images, pipeline, model, predictions
	$(BIN)/python -m amelio demo demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(TESTS)

test-all: $(INSTALLED)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

test-faults: $(INSTALLED)  ## the bars of docs/reliability.md, with DVC as the control; at most 40 minutes
	$(BIN)/python -m tests.faults.table

peer-tests: $(INSTALLED)  ## DVC's own tests of `repro` and `exp`, run by amelio
	$(BIN)/python tests/contracts/run_peer_tests.py

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command as lint; lint()'

bench: $(INSTALLED)  ## every measurement, one after the other; alone on the machine please
	$(BIN)/python benchmarks/bench_engine.py
	$(BIN)/python benchmarks/experiments_show.py
	$(BIN)/python benchmarks/bench_experiments.py
	$(BIN)/python benchmarks/validation.py
	$(BIN)/python benchmarks/preparation.py
	$(BIN)/python benchmarks/inference.py
	$(BIN)/python benchmarks/runtimes.py
	$(BIN)/python benchmarks/time_to_accuracy.py --data faces
	$(BIN)/python benchmarks/time_to_accuracy.py --data cifar

$(INSTALLED): pyproject.toml $(PINS)
	@test -n "$(PYTHON)" || { echo "amelio needs Python 3.11 or newer (set PYTHON=…)"; exit 1; }
	@echo "installing amelio and what it needs into .venv: 2 GB, some minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint $(PINS) --upgrade pip  # Python's own is slow
	$(BIN)/python -m pip install --quiet --no-compile --constraint $(PINS) --build-constraint $(PINS) \
		--editable '.[vision,alerts,onnx,s3,gs,azure,ssh,dev]'
	touch $(INSTALLED)

clean:
	rm -rf .venv build dist
