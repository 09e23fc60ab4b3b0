PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
RUN    := $(BIN)/python -m

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo serve race test test-services chaos bench lint types docs ci clean

help:
	@echo "make demo           watch real workers run jobs: one is cancelled, one loses its worker; needs only Python"
	@echo "make serve          the example with its pages, admin and worker (PORT=8000)"
	@echo "make race           the bug and the cure, side by side, on PostgreSQL"
	@echo "make test           all tests, on a PostgreSQL of their own and on SQLite"
	@echo "make test-services  the same against PostgreSQL, MariaDB, Redis and RabbitMQ of this machine"
	@echo "make chaos          kills workers and databases under a few hundred jobs, then audits their history"
	@echo "make bench          what a claim costs, as a ratio"
	@echo "make lint types docs  the other checks;  make ci  all of them"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 10) or sys.exit("jobstate needs Python 3.10 or newer; %s is %d.%d. Try: make PYTHON=python3.12" % (sys.executable, v[0], v[1]))'
	@echo "making $(VENV), once: about a minute"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); echo "'$(PYTHON) -m venv' failed; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.demo: pyproject.toml | $(VENV)/.made
	@$(PIP) install -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/.made
	@$(PIP) install -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.mysql: | $(VENV)/.dev
	@$(PIP) install -e '.[mysql]'
	@touch $@

demo: $(VENV)/.demo
	@exec $(RUN) example_project.demo

serve: $(VENV)/.demo
	@exec $(RUN) example_project.serve

race: $(VENV)/.dev
	@exec $(RUN) example_project.race

test: $(VENV)/.dev
	$(RUN) pytest $(ARGS)
	DATABASE_URL=sqlite:///:memory: $(RUN) pytest tests/contract $(ARGS)
	USE_TZ=0 $(RUN) pytest tests/contract $(ARGS)
	USE_TZ=0 DATABASE_URL=sqlite:///:memory: $(RUN) pytest tests/contract $(ARGS)

chaos: $(VENV)/.dev
	$(RUN) tests.chaos $(ARGS)

bench: $(VENV)/.dev
	$(RUN) benchmarks.claim $(ARGS)

test-services: $(VENV)/.mysql
	VENV_PYTHON=$(BIN)/python .ci/test-services

lint: $(VENV)/.dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev
	$(RUN) mypy

docs: $(VENV)/.dev
	$(RUN) sphinx -q -W --keep-going docs docs/_build
	@echo "docs/_build/index.html"

ci:
	@exec bash .ci/run

clean:
	rm -rf $(VENV) var docs/_build build dist
