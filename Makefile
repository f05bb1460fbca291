# The course's commands. Each sets up what it needs (once) and calls `labs` or the checks.
.DEFAULT_GOAL := help
.PHONY: help setup course lab check test build nightly cluster-up cluster-down lock clean
LABS := .venv/bin/labs
# What the labs' cluster runs, got once. The course goes on without it, and then says which labs it left out.
PROGRAMS = $(LABS) cluster install --check >/dev/null 2>&1 || $(LABS) cluster install
# One thread per numerical library: faster on small machines, and repeatable.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
# What a profile sets for other Pythons.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /	/' | expand -t 16

setup:  ## make .venv from the lock (the other commands do it for you)
	@command -v python3 >/dev/null || { echo "setup: python3 is missing; install Python 3.11, 3.12 or 3.13." >&2; exit 1; }
	@python3 -E -s labsupport/bootstrap.py

course: setup  ## run the whole course from end to end, with a report
	@$(PROGRAMS) || true
	@$(LABS) run
	@echo "Next: make lab (work through it), make test (every check), labs list (what there is: source .venv/bin/activate)."

lab: setup  ## open JupyterLab on your own copies of the lessons
	@$(LABS) lab

check: setup  ## the quick checks, under 3 minutes: before each commit
	@.venv/bin/python -m tests.run --quick

test: setup  ## every check; ONLY=tests, for instance, runs one stage
	@.venv/bin/python -m tests.run $(if $(ONLY),--only "$(ONLY)")

nightly: setup  ## the checks that take longer: all seeds, benchmarks; ONLY=benchmark, for instance, runs one kind
	@.venv/bin/python -m tests.run --nightly $(if $(ONLY),--only "$(ONLY)")

build: setup  ## build the notebooks from notebooks/src
	@$(LABS) build

cluster-up: setup  ## get the programs of the labs' cluster (once) and start it
	@$(PROGRAMS)
	@$(LABS) cluster up

cluster-down: setup  ## stop the labs' cluster and delete what it stored
	@$(LABS) cluster down

# What pods run has the pins of main.txt; a program that can't live beside it has its own.
IMAGES := serve train
APART = $(shell .venv/bin/python -c 'from labsupport.isolated import TOOLS; print(*TOOLS)')
COMPILE := .venv/bin/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header

lock: setup  ## renew the pins in requirements/*.txt; KEEP=1 keeps those that still fit
	@for name in main $(APART); do $(COMPILE) $(if $(KEEP),,--upgrade) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
	@for name in $(IMAGES); do \
		$(COMPILE) --constraint requirements/main.txt requirements/$$name.in -o requirements/$$name.txt || exit 1; done

clean:  ## remove what was built (not your copies in work/)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
