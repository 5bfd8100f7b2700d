# Every target sets up what it needs in .venv, once, and again when it has changed.
#
#   make demo       a local server streams a chat completion, cut at awkward places
#   make test       the tests, against both parsers
#   make examples   the tests of examples/, those that need large packages included
#   make recipes    the tests of docs/recipes.md, with the packages that are small
#   make test-all   the same under every interpreter this machine has
#   make lint       style and types
#   make coverage   fails unless the tests reach every line and branch
#   make bench      the benchmarks
#   make bench-report  the tables and the chart of README and documentation, from the last make bench
#   make bench-guard   the instructions an event takes, against those of the last time (valgrind)
#   make docs       the documentation, into site/ (Python 3.11 or newer)
#   make fuzz       looks for inputs that break something, SECONDS=60 for each fuzzer (SEED=1: the same again)
#   make sanitize   the tests of all that is compiled under AddressSanitizer and UndefinedBehaviorSanitizer (needs gcc)
#   make soak       reads STREAMS=10000 at a time, of every API and in every form, over loopback and through the
#                   gateway of examples/, for SECONDS=60, and accounts for every event
#   make servers    every form and HTTP client on servers of others, beside the official clients (npm, nginx where they are)
#   make peers      other packages' own tests of their streams, with this parser in the place of theirs
#   make public-api what is public, as it is now, into tests/public_api.txt
#   make release-check  builds what a release consists of, and tries all of it (TAG=v1.2.3)
#
# PYTHON=python3.12 chooses the interpreter (make clean when changing it).

PYTHON ?= python3
SECONDS ?= 60
STREAMS ?= 10000
PYTHON_OK := import sys; sys.exit(sys.version_info < (3, 10) and "sseparse needs Python 3.10 or newer; choose one with PYTHON=...")

# Here a parser that does not compile is an error, not a slower parser.
export SSEPARSE_BUILD_EXTENSION ?= yes

BIN := .venv/bin
# What is compiled: the .pyx, and the modules that are compiled as they stand.
COMPILED := $(wildcard sseparse/*.pyx sseparse/*.pxd sseparse/*/*.pxd) $(shell grep -rl "^. cython:" sseparse --include=*.py)
# A file's tests are one worker's: what they set up is set up once, and an sdist is not built twice at a time.
PARALLEL := -n auto --dist loadfile
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# pyenv hides the interpreters that are not its current one.
PYENV_BINS := $(shell command -v pyenv >/dev/null && pyenv versions --bare | grep -E '^3\.1[0-9.]*t?$$' | xargs -rn1 pyenv prefix | sed 's,$$,/bin,' | paste -sd:)

.PHONY: test demo examples recipes bench bench-report bench-guard bench-guard-renew lint coverage test-all docs fuzz sanitize soak servers peers public-api release-check clean

test: .venv/built .venv/group-test
	$(BIN)/python -m pytest $(PARALLEL)

demo: .venv/built .venv/group-demo
	$(BIN)/python examples/demo.py

examples: .venv/built .venv/group-examples
	$(BIN)/python -m pytest tests/system/test_examples.py

recipes: .venv/built .venv/group-recipes
	$(BIN)/python -m pytest tests/system/test_recipes.py

bench: .venv/built .venv/group-bench .benchmarks/package.json
	$(BIN)/python -m pytest benchmarks -m "" --benchmark-group-by=group --benchmark-columns=median,iqr,rounds --benchmark-timer=time.process_time --benchmark-max-time=0.1 --benchmark-json=.benchmarks/last.json

# eventsource-parser, where it can run: without npm there is nothing to do, and the next make bench asks again.
.benchmarks/package.json:
	mkdir -p .benchmarks
	@command -v npm >/dev/null && npm install --silent --no-fund --no-audit --prefix .benchmarks eventsource-parser \
	|| echo "eventsource-parser will not be measured: npm is not here, or could not install it"

bench-report: .venv/group-report .benchmarks/last.json
	$(BIN)/python benchmarks/report.py .benchmarks/last.json .

bench-guard: .venv/built .venv/group-bench
	$(BIN)/python benchmarks/guard.py

# Accepts the figures of this machine's surrounding as they are now.
bench-guard-renew: .venv/built .venv/group-bench
	$(BIN)/python benchmarks/guard.py --renew

lint: .venv/built .venv/group-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(BIN):$$PATH" $(BIN)/cython-lint $(wildcard sseparse/*.pyx sseparse/*.pxd sseparse/*/*.pxd)
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python tools/check_docs.py
	$(BIN)/python -m mypy.stubtest sseparse --allowlist tests/stubtest-allowlist.txt

# In a copy, twice. First the tests of the core, with a parser that tells of its lines, and so is
# slow; then the others with nothing compiled: what is compiled as it stands is Python then, whose
# branches count too.
# Not the tests that search: a line that only those reach has no test of its own. Nor a client that
# lives in another environment, nor what measures; nor threads that count on what no other thread
# can interrupt: tracing a line can.
COVERAGE := ../$(BIN)/coverage
COUNTED := -m pytest -q -m "not hypothesis" -k "not (niquests- or niquests] or takes_memory or each_thread or eight_threads)"
CORE_TESTS := $(patsubst %,tests/core/test_%.py,callbacks chunking dispatch_without_data event failed iterate limits own_id \
	parser_api partial_json partial_json_module standard threads)
OTHER_TESTS := $(patsubst %,tests/core/test_%.py,encode event going_on implementation iterate switching) \
	tests/http tests/anthropic tests/google tests/llm tests/openai tests/stream tests/system/test_cli.py

coverage: .venv/group-coverage
	rm -rf .coverage-build
	mkdir .coverage-build
	cp -R sseparse tests docs pyproject.toml .coverage-build
	find .coverage-build -name "*.so" -delete
	cd .coverage-build && CFLAGS="-O1 -DCYTHON_TRACE_NOGIL=1 -DCYTHON_USE_SYS_MONITORING=0" \
		../$(BIN)/cythonize --quiet -i -X linetrace=True sseparse/_parser_c.pyx sseparse/_partial_json_c.pyx
	cd .coverage-build && $(COVERAGE) run $(COUNTED) $(CORE_TESTS)
	find .coverage-build -name "*.so" -delete
	cd .coverage-build && SSEPARSE_NO_EXTENSIONS=1 \
		$(COVERAGE) run --omit="sseparse/_parser_*,sseparse/_partial_json_*" $(COUNTED) $(OTHER_TESTS)
	cd .coverage-build && $(COVERAGE) combine --quiet && $(COVERAGE) report

test-all: .venv/group-tox
	PATH="$$PATH:$(PYENV_BINS)" $(BIN)/tox run

docs: .venv/group-docs
	$(BIN)/zensical build --strict --clean

fuzz: .venv/built .venv/group-fuzz
	$(BIN)/python fuzz/run.py --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(FUZZERS)

.venv/group-fuzz: .venv/pip pyproject.toml
	@$(INSTALL) --only-binary atheris --group fuzz || \
	{ echo "make fuzz needs what it could not install: atheris is there for CPython 3.10 to 3.14 on 64-bit Linux"; exit 1; }
	@touch $@

# The tests of all that is compiled under sanitizers, and every input that the fuzzers have found worth keeping.
sanitize: .sanitize/built
	$(SANITIZED) $(BIN)/pytest $(PARALLEL) --capture=sys -k "not python" $(SANITIZE_TESTS)
	$(BIN)/python fuzz/seeds.py .fuzz/seeds
	$(SANITIZED) $(BIN)/python fuzz/parsers.py .fuzz/seeds/parsers $(wildcard .fuzz/corpus/parsers)
	$(SANITIZED) $(BIN)/python fuzz/partial_json.py .fuzz/seeds/partial_json $(wildcard .fuzz/corpus/partial_json)
	$(SANITIZED) $(BIN)/python fuzz/encode.py .fuzz/seeds/encode $(wildcard .fuzz/corpus/encode)
	$(SANITIZED) $(BIN)/python fuzz/completions.py .fuzz/seeds/completions $(wildcard .fuzz/corpus/completions)
	$(SANITIZED) $(BIN)/python fuzz/apis.py .fuzz/seeds/apis $(wildcard .fuzz/corpus/apis)
	$(SANITIZED) $(BIN)/python fuzz/shapes.py .fuzz/seeds/shapes $(wildcard .fuzz/corpus/shapes)

# Each object is an allocation of its own: without Python's allocator, and without Cython's free lists.
# Leaks are not looked for: CPython itself keeps much until the process ends. The tests count references and bytes.
# Some tests make allocations fail; and what a sanitizer says must not end in pytest's capture.
LIBASAN = $(shell gcc -print-file-name=libasan.so 2>/dev/null)
SANITIZED = env LD_PRELOAD=$(LIBASAN) PYTHONPATH=$(CURDIR)/.sanitize/lib PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
SANITIZE_FLAGS = -fsanitize=address,undefined
SANITIZE_TESTS = tests/core tests/stream tests/openai tests/anthropic tests/google tests/llm tests/system/test_out_of_memory.py

# As for .venv/build only what has changed is compiled again; of the rest nothing is kept.
.sanitize/built: .venv/built .venv/group-sanitize $(wildcard sseparse/*.py sseparse/*/*.py)
	@test -f "$(LIBASAN)" || { echo "make sanitize needs gcc with libasan and libubsan, which this machine has not"; exit 1; }
	mkdir -p .sanitize/lib
	find .sanitize/lib -name "*.py" -delete
	CC=gcc CFLAGS="$(SANITIZE_FLAGS) -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1 -DCYTHON_USE_FREELISTS=0" LDFLAGS="$(SANITIZE_FLAGS)" \
	$(BIN)/python setup.py --quiet build --build-base .sanitize/build --build-lib .sanitize/lib
	@cd .sanitize && $(SANITIZED) $(CURDIR)/$(BIN)/python -c 'import sseparse as s; assert ".sanitize" in s.__file__ and s.IMPLEMENTATION == "cython"'
	@touch $@

soak: .venv/built .venv/group-test
	$(BIN)/python tests/system/soak --seconds $(SECONDS) --streams $(STREAMS)

# Whatever cannot be installed is skipped by the tests, which say so.
servers: .venv/built .venv/group-servers .servers/llama .servers/litellm .servers/niquests .servers/node_modules
	$(BIN)/python -m pytest tests/servers -o 'norecursedirs=.*'

# An environment for each: LiteLLM wants old versions of much, niquests brings a urllib3 of its own.
.servers/llama: PACKAGES := xllamacpp gguf
.servers/litellm: PACKAGES := "litellm[proxy]"
.servers/niquests: PACKAGES := niquests msgspec brotli
.servers/llama .servers/litellm .servers/niquests: .venv/pip
	@rm -rf $@
	@$(BIN)/python -m venv $@ && $(subst .venv,$@,$(INSTALL)) $(PACKAGES) \
	|| { echo "$(notdir $@) will not be tested: it could not be installed"; rm -rf $@; }

.servers/node_modules:
	@command -v npm >/dev/null && npm install --silent --no-fund --no-audit --prefix .servers @copilotkit/aimock \
	|| echo "aimock will not be tested: npm is not here, or could not install it"

peers: .venv/built .peers/venv/installed
	.peers/venv/bin/python tests/peers/run.py

.peers/venv/installed: .venv/pip pyproject.toml
	$(BIN)/python -m venv .peers/venv
	$(subst .venv,.peers/venv,$(INSTALL)) --upgrade pip
	$(subst .venv,.peers/venv,$(INSTALL)) --upgrade --group peers
	@touch $@

public-api: .venv/built .venv/group-test
	$(BIN)/python tests/helpers/public_api.py > tests/public_api.new && mv tests/public_api.new tests/public_api.txt

release-check: .venv/group-release
	$(BIN)/python tools/release_check.py $(if $(TAG),--tag '$(TAG)')

clean:
	rm -rf .venv .tox .cache .coverage-build .fuzz .sanitize .servers .peers site build dist *.egg-info sseparse/*.so sseparse/*/*.so
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/pip:
	@$(PYTHON) -c '$(PYTHON_OK)'
	$(PYTHON) -m venv .venv
	# --group needs pip 25.1.
	$(INSTALL) --upgrade pip
	@touch $@

.venv/group-%: .venv/pip pyproject.toml
	$(INSTALL) --group $*
	@touch $@

# An editable installation uses the .so that lies beside the .pyx, however old: hence this rule.
# What is compiled is kept beside it too, so that only what has changed is compiled again.
.venv/built: .venv/editable $(COMPILED)
	@mkdir -p .venv/build
	$(BIN)/python setup.py --quiet build_ext --inplace --build-lib .venv/build --build-temp .venv/build/temp \
	> .venv/build/log 2>&1 || { cat .venv/build/log; exit 1; }
	@touch $@

# The warning that it hides says that the installation is editable.
.venv/editable: .venv/group-build setup.py
	rm -rf .venv/build
	SSEPARSE_BUILD_EXTENSION=no PYTHONWARNINGS=ignore:::setuptools.command.editable_wheel \
	$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@
