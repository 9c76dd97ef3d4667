# Everything a newcomer needs: `make demo` shows the agent at work, `make test` proves it.
# Each target first makes the checkout ready (.venv and, for the tests, the system's programs they need).

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak
MAKEFLAGS += --no-print-directory --no-builtin-rules

export PYTHON
unexport PYTHONHOME PYTHONPATH
SETUP := sh tests/setup.sh
SERVERS := sshd sftp vsftpd proftpd postfix dovecot

help:
	@echo 'make demo    the whole way of a file, on a stand-in for impact.com on this machine'
	@echo 'make test    all tests but the long ones'
	@echo 'make check   format, lint, types, import layers'
	@echo 'make bench   speed and memory, printed as ratios'
	@echo 'make soak    the long tests'

demo:
	@$(SETUP)
	@.venv/bin/impact-agent demo

test:
	@$(SETUP) $(SERVERS) strace
	@.venv/bin/python -m pytest -n 2 --dist loadfile $(ARGS)

check:
	@$(SETUP)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench:
	@$(SETUP) $(SERVERS)
	@.venv/bin/python -m tests.benchmarks $(ARGS)

soak:
	@$(SETUP) $(SERVERS) strace
	@.venv/bin/python -m pip install -qq --only-binary :all: atheris 2>/dev/null || true
	@.venv/bin/python -m pytest -m soak $(ARGS)
