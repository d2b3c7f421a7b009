# All that one needs to type. Without make (Windows): README.md has the same commands as plain lines.

# Bootstrap finds a suitable Python by itself; name another one here: make lab PYTHON=/path/to/python3.12
PYTHON ?=
# Test processes beside each other: two fit a laptop.
JOBS ?= 2
# Options for JupyterLab, as in: make lab JUPYTER_ARGS=--no-browser
JUPYTER_ARGS ?=
# For `make grade`: a platform's zip or a folder; options, as in: make grade SUBMISSIONS=week3.zip GRADE_ARGS="--roster students.csv"
SUBMISSIONS ?=
GRADE_ARGS ?=
# Rows of `make bench`, all where none are named; options, as in: make bench BENCH_ARGS=--report
ROWS ?=
BENCH_ARGS ?=
# Options for pytest, as in: make test PYTEST_ARGS="-k bootstrap"
PYTEST_ARGS ?=

PY := .venv/bin/python
STAMP := .venv/unrolled-ready
# Exercises are made from their sources, where these are (not in a student's kit), and again when one is missing.
SOURCES := $(wildcard notebooks/exercises/source/*/*.ipynb)
EXERCISES := $(subst /source/,/release/,$(SOURCES))
MADE := $(if $(SOURCES),notebooks/exercises/release/.untouched/made)
PYTEST := -m pytest -n $(JOBS) $(PYTEST_ARGS)
# Suites with a target of their own.
APART := tests/grading tests/faults tests/browser tests/pages

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-full test-grading test-browser test-pages bench bench-peers bench-widgets pictures data exercises release grade slides slides-pdf site notebooks measure lecture projects times lock upgrade canary clean

help:  ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-17s%s\n", $$1, $$2}'

lab: setup exercises  ## set up, then open JupyterLab at the first lesson
	@$(PY) -m course_utils lab $(JUPYTER_ARGS)

test: setup exercises  ## run every test but those of grading and of the browser, and re-run every lesson on the embedded digits
	@$(PY) $(PYTEST) $(addprefix --ignore=,$(APART))

test-full: setup exercises  ## re-run every lesson, live and as a lecture, and the data tests, on the full MNIST in the folder COURSE_DATA
	@$(PY) $(PYTEST) --full notebooks tests/test_data.py tests/pages/test_lecture.py

test-grading: setup exercises  ## run the tests of grading, and a class of broken and hostile submissions (Linux with bubblewrap)
	@$(PY) $(PYTEST) tests/faults tests/grading

test-browser: setup exercises  ## drive the interactive pictures in a real JupyterLab (needs Chromium)
	@$(PY) $(PYTEST) tests/browser

test-pages: setup exercises  ## build the slides and the site, and look at every slide and page in a browser (needs Chromium)
	@$(PY) $(PYTEST) tests/pages

bench-widgets: setup  ## measure the interactive pictures, from an event to the painted frame (needs Chromium; eight minutes)
	@$(PY) tests/benchmarks/widgets.py

bench: setup  ## measure the kit beside Keras, PyTorch and JAX (45 minutes on two quiet cores; ROWS=steps,inference for a part)
	@$(PY) tests/benchmarks/bench.py $(if $(ROWS),--rows $(ROWS)) $(BENCH_ARGS)

bench-peers: setup  ## make the environment with PyTorch and JAX that make bench compares with, in build/peers
	@$(PY) tests/benchmarks/bench.py --peers

setup: $(STAMP)  ## only the environment in .venv

data: setup  ## download the full data sets into the cache
	@$(PY) -m course_utils fetch

exercises: setup $(MADE)  ## make the exercises from their sources; answers of yours stay

release: exercises  ## make the student kit, a folder and a zip, in build/release (instructors)
	@$(PY) -m course_utils.grading.release

grade: setup  ## collect and grade SUBMISSIONS=FOLDER_OR_ZIP, then write feedback, grades.csv and report.html (instructors)
	@test -n "$(SUBMISSIONS)" || { echo 'Name the submissions: make grade SUBMISSIONS=FOLDER_OR_ZIP (and where to keep them, outside this folder: COURSE_STATE=FOLDER)' >&2; exit 1; }
	@$(if $(COURSE_STATE),COURSE_STATE="$(COURSE_STATE)" )$(PY) -m course_utils.grading all "$(SUBMISSIONS)" $(GRADE_ARGS)

slides: setup  ## make one deck of slides a lesson, in build/slides; they open from a file (instructors)
	@$(PY) -m course_utils slides

slides-pdf: setup  ## the same, and a handout of each as PDF, in build/slides/pdf (needs Chromium)
	@$(PY) -m course_utils slides --pdf

site: setup  ## make the course's site, in build/site; it opens from a file (instructors)
	@$(PY) -m course_utils site

notebooks: setup  ## run every lesson top to bottom and save its outputs (maintainers)
	@$(PY) -m course_utils notebooks

measure: setup  ## record again the bands that lessons check their results against (maintainers)
	@$(PY) -m course_utils measure

pictures: setup  ## make README's pictures of the LSTM scope from the real thing (needs Chromium; maintainers)
	@$(PY) tests/browser/readme_pictures.py

lecture: setup  ## record the trainings that COURSE_RUN=lecture shows (maintainers)
	@$(PY) -m course_utils lecture

projects: setup  ## make the long runs of both projects again; needs the full data sets, and up to an hour (maintainers)
	@$(PY) -m course_utils.projects

times: setup  ## write the last test runs' time per notebook into README.md (maintainers)
	@$(PY) -m course_utils times

lock: setup  ## remake requirements.lock and environment.yml from pyproject.toml (maintainers)
	@$(PY) -m course_utils lock

upgrade: setup  ## the same, with the newest releases that pyproject.toml allows (maintainers)
	@$(PY) -m course_utils lock --upgrade

canary:  ## run the tests on the newest TensorFlow, Keras and Jupyter, in an environment of their own
	@$(call bootstrap,--canary)
	@build/canary/bin/python $(PYTEST) $(addprefix --ignore=,$(APART))

clean:  ## remove the environment, caches of tools and built files; lessons and downloaded data stay
	rm -rf .venv build .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml Makefile course_utils/kit/bootstrap.py course_utils/kit/jupyter.py course_utils/kit/saved_pictures.js
	@$(call bootstrap,)

$(MADE): $(SOURCES) $(wildcard notebooks/exercises/source/*/tasks.py) course_utils/grading/release.py $(if $(filter-out $(wildcard $(EXERCISES)),$(EXERCISES)),again) | $(STAMP)
	@$(PY) -m course_utils.grading.release --exercises && touch $@

again:

# The first interpreter that starts and is 3.11 to 3.13 (a name may exist and yet fail, as pyenv's do). When none is,
# the first that starts at all runs the script, which says what is wrong with it.
define bootstrap
candidates="$(PYTHON) python3.13 python3.12 python3.11 python3 python"; \
for python in $$candidates; do \
  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then \
    exec "$$python" course_utils/kit/bootstrap.py $(1); fi; done; \
for python in $$candidates; do \
  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1; then \
    exec "$$python" course_utils/kit/bootstrap.py $(1); fi; done; \
echo "Set-up stopped. Python 3.11, 3.12 or 3.13 is needed and none was found. Install one from python.org (or name it:" \
  "make lab PYTHON=/path/to/python3.12), then start again." >&2; exit 1
endef
