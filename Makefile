# Everything a person or a machine types. The targets stand alone: each makes what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
GOLDEN ?= $(firstword $(wildcard ../shared/golden/scenarios /work/shared/golden/scenarios))
BENCHES ?= $(basename $(notdir $(shell grep -l '__name__ == "__main__"' bench/*.py)))

.PHONY: help venv demo test lint proto golden bench clean

help:
	@echo "make demo    a pod on Docker, driven by kubectl, on a machine where nothing is set up"
	@echo "make test    every test, those with real kubectl and real Docker included"
	@echo "make lint    ruff, mypy, import rules"
	@echo "make golden  [GOLDEN=file] the recorded conversations with Kubernetes, played to our API server"
	@echo "make bench   what is measured, against Docker's own floor and a real etcd"
	@echo "make proto   the code generated from proto/"

venv: $(STAMP)

$(STAMP): pyproject.toml
	@PYTHON=$(PYTHON) sh tools/venv.sh $(VENV)
	@touch $@

demo: $(STAMP)
	@sh tools/demo.sh $(BIN)

test: $(STAMP)
	@sh tools/prepare-tests.sh $(BIN)
ifdef PYTEST
	$(BIN)/python -m pytest $(PYTEST)
else
	$(BIN)/python -m pytest -n auto tests/unit tests/house
	$(BIN)/python -m pytest --ignore=tests/unit --ignore=tests/house
endif

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy podling store apiserver scheduler controllers kubelet
	$(BIN)/lint-imports

proto: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. --grpc_python_out=. \
	  $$(cd proto && find . -name '*.proto' -printf 'proto/%P ')

golden: $(STAMP)
	@$(BIN)/python tests/golden/play.py $(GOLDEN)

bench: $(STAMP)
	@for one in $(BENCHES); do echo "== $$one"; $(BIN)/python -m bench.$$one || exit 1; done

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
