"""The command `impact-agent`, and `python -m agent`."""

from __future__ import annotations

from agent.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
