# Recipes of Wiyata. They work with `just` called by path and nothing else on PATH: `.venv/bin/just up`.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments := true

bin := justfile_directory() / ".venv" / "bin"
python := bin / "python"
lock := justfile_directory() / "requirements.lock"
installed := justfile_directory() / ".venv" / ".lock"

export PYTHONPATH := justfile_directory()
# who is trusted is the machine's to say, as pip and git have it: a school's proxy signs with a certificate of its own
export UV_SYSTEM_CERTS := env("UV_SYSTEM_CERTS", "true")
# machines that run each program once switch bytecode off; here five processes import the same code at every start
export PYTHONDONTWRITEBYTECODE := ""

# what there is
_list:
    @{{ bin }}/just --justfile "{{ justfile() }}" --list --unsorted

# installs what the lock names, when the lock has changed since the last time
_venv:
    @if [ "$(cat "{{ installed }}" 2>/dev/null)" != "{{ sha256_file(lock) }}" ]; then \
        echo "installing what requirements.lock names" >&2; \
        rm -f "{{ installed }}"; \
        "{{ bin }}/uv" pip sync --quiet --python "{{ python }}" --require-hashes "{{ lock }}" >&2; \
        echo "{{ sha256_file(lock) }}" > "{{ installed }}"; \
        echo "✓ installed in $SECONDS s" >&2; \
    fi

# the graph with demo schools, in the foreground; Ctrl-C ends everything
up: _venv
    @exec "{{ python }}" -m deploy.local up

# the same in the background; returns when it is ready
start: _venv
    @"{{ python }}" -m deploy.local start

# ends what `start` or `up` began
down: _venv
    @"{{ python }}" -m deploy.local down

# what runs; exit code 0 when all of it is ready
status: _venv
    @"{{ python }}" -m deploy.local status

# the last log lines of all programs or of one; -f follows
logs *args: _venv
    @"{{ python }}" -m deploy.local logs "$@"

# asks, then removes all local data; --yes does not ask
reset *args: _venv
    @"{{ python }}" -m deploy.local reset "$@"

# psql as superuser
psql *args: _venv
    @"{{ python }}" -m deploy.local psql "$@"

# looks into the broker: streams, consumers [stream], sub <subject>
nats *args: _venv
    @"{{ python }}" -m deploy.local nats "$@"

# events that failed for good, by subgraph: lists them; --replay <id>, --discard <id> --reason <text>
dead-letters *args: _venv
    @"{{ python }}" -m deploy.local events dead-letters "$@"

# reads the stream again into a subgraph; --since <time> or --sequence <number>
replay *args: _venv
    @"{{ python }}" -m deploy.local events replay "$@"

# makes a subgraph tell the state of its aggregates again: <subgraph> [tenant] [--aggregate name]
snapshot *args: _venv
    @"{{ python }}" -m deploy.local events snapshot "$@"

# what this machine has, what is missing, who holds which port
doctor: _venv
    @"{{ python }}" -m deploy.local doctor

# brings the running database to the newest version
migrate: _venv
    @"{{ python }}" -m deploy.local migrate

# loads the demo schools through the running graph; twice changes nothing
seed: _venv
    @"{{ python }}" -m deploy.local seed

# addresses and demo accounts as JSON, and nothing else
accounts: _venv
    @"{{ python }}" -m deploy.local accounts

# registers router/documents in their manifest, checked against the supergraph
documents *args: _venv
    @"{{ python }}" -m deploy.documents "$@"

# lint, format, types, imports, schema drift, security lint, known vulnerabilities
check: _venv
    "{{ bin }}/ruff" check
    "{{ bin }}/ruff" format --check
    "{{ bin }}/mypy"
    "{{ bin }}/lint-imports" --no-cache
    "{{ python }}" -m deploy.schema --check
    "{{ python }}" -m deploy.documents --check
    @"{{ python }}" -m deploy.env_example | diff "{{ justfile_directory() }}/.env.example" -
    # SQL built from text (B608) is ruff's S608, which asks for a reason at each place
    "{{ bin }}/bandit" --quiet --recursive --severity-level medium --skip B608 libs subgraphs deploy
    @"{{ python }}" -m deploy.audit

# the tests; without arguments all but the deep ones, with the coverage floor
test *args: _venv
    @if [ $# -eq 0 ]; then set -- --cov --cov-report=term; fi; \
        exec "{{ bin }}/pytest" -n 2 -m "not deep" "$@"

# the long property, fuzz and fault runs
test-deep *args: _venv
    @exec "{{ bin }}/pytest" -n 2 -m deep -o faulthandler_timeout=3600 "$@"

# one benchmark of tests/benchmarks, or their names
bench name="" *args: _venv
    @if [ -z "{{ name }}" ]; then grep -l '^if __name__' tests/benchmarks/*.py | sed 's|.*/||; s|[.]py$||'; exit; fi; \
        shift; exec "{{ python }}" -m "tests.benchmarks.{{ name }}" "$@"

# regenerates schema/ and .env.example
schema: _venv
    "{{ python }}" -m deploy.schema
    "{{ python }}" -m deploy.env_example > .env.example

# resolves the newest allowed versions of everything into requirements.lock
lock *args:
    "{{ bin }}/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --group local --group test --group check --custom-compile-command "just lock" \
        --output-file "{{ lock }}" "$@" pyproject.toml
