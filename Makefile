# make demo   set up and run the main job on the embedded data, then serve the first page (SERVE=no stops before that)
# make test   set up and run the tests
# make bench  measure the simulators on this machine, with the peers that `make peers` has set up (7 GB)
# make bench-dashboard  measure the pages in a real browser
# make reproduce  the report on the shipped models (MODELS), from recorded runs, into snnviz-report
# make reproduce-from-scratch  the same, with the models made anew first (hours; goes on where it was stopped)
# make lint   style and types
# make docs   build the documentation into build/docs

VENV := .venv
BIN := $(VENV)/bin
SERVE ?= yes
PORT ?= 5006
TESTS ?=
MODELS ?= dense-mnist conv-mnist

.PHONY: demo test test-slow bench bench-dashboard reproduce reproduce-from-scratch peers lint format docs clean

demo: $(VENV)/.ready
	$(BIN)/snnviz demo --out snnviz-out $(if $(filter no,$(SERVE)),--no-serve,--port $(PORT))

test: $(VENV)/.ready-dev
	sh tools/setup.sh browser $(VENV)
	sh tools/setup.sh compiler $(VENV)
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(TESTS)

test-slow: $(VENV)/.ready-dev
	sh tools/setup.sh compiler $(VENV)
	$(BIN)/python -m pytest -m slow $(TESTS)

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks.run

bench-dashboard: $(VENV)/.ready-dev
	sh tools/setup.sh browser $(VENV)
	$(BIN)/python -m benchmarks.dashboard

peers: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks.peers.setup

reproduce: $(VENV)/.ready
	$(BIN)/snnviz reproduce $(MODELS) --benchmarks benchmarks/results --out snnviz-report

reproduce-from-scratch: $(VENV)/.ready
	$(BIN)/snnviz reproduce $(MODELS) --from-scratch --benchmarks benchmarks/results --out snnviz-report

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready-dev
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs build/docs

# The environment is made again whenever what it is made from changes.
$(VENV)/.ready: pyproject.toml constraints.txt tools/setup.sh
	sh tools/setup.sh environment $(VENV) .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	sh tools/setup.sh environment $(VENV) .[dev]
	touch $@

clean:
	rm -rf $(VENV) build snnviz-out snnviz-report *.egg-info
