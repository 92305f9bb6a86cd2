PYTHON ?= python3

.PHONY: build test test-s3 lint format types bench bench-remote sanitize coverage fuzz faults table3 site

build:  # into $(PYTHON), editable; again after each change of a .pyx
	$(PYTHON) -m pip install -q "setuptools>=77" "Cython>=3.1"
	$(PYTHON) -m pip install -q -e ".[test,lint,bench]" --config-settings editable_mode=compat --no-build-isolation

test:
	./run test

test-s3:  # what stores in a bucket, with Ceph as the server; keeps its programs in ~/.cache/idxio-tests
	ceph=$$(tests/support/install_ceph) && IDXIO_CEPH=$$ceph ./run test -m s3

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

format:
	$(PYTHON) -m ruff format

types:
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest --allowlist .ci/stubtest.txt idxio._native

sanitize:
	./run sanitize

coverage:  # of Python by coverage.py, of C by gcov: totals, and the files of which most is missing
	PYTHON=$(PYTHON) .ci/coverage

bench:
	$(PYTHON) -m benchmarks

bench-remote:  # an epoch over 2 GB at a URL; keeps the file in ~/.cache/idxio-benchmarks
	$(PYTHON) -m benchmarks.storage_remote_epoch

fuzz:  # the native code, all roads of reading and import, MINUTES=10 each on one core
	fuzz/run fuzz $(or $(MINUTES),10)
	PYTHON=$(PYTHON) fuzz/run fuzz-read $(or $(MINUTES),10)
	PYTHON=$(PYTHON) fuzz/run fuzz-import $(or $(MINUTES),10)

.venv-site/installed: pyproject.toml setup.py $(shell find idxio -type f ! -name '*.so' ! -name '*.pyc')
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip install -q --disable-pip-version-check ".[docs]"
	touch $@

site: .venv-site/installed  # the documentation, into docs/_build/site
	rm -rf docs/_build docs/reference/api
	.venv-site/bin/python docs/make_demo.py docs/_build/extra/demo
	COLUMNS=90 NO_COLOR=1 .venv-site/bin/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/site
	.venv-site/bin/python docs/check_links.py docs/_build/site

faults:  # every operation on files, while one call of the C library after the other fails
	$(PYTHON) tests/faults/driver.py

table3:  # on where it stopped, on the last core when nothing else wants it; stop it at any time
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE nice -n 19 chrt --idle 0 taskset -c $$(($$(nproc) - 1)) \
		$(PYTHON) -m experiments.table3 --hours 1000
