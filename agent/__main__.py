"""The command `impact-agent`, and `python -m agent`."""

from __future__ import annotations

from agent.cli.main import hush
from agent.cli.main import main as command

__all__ = ["main"]


def main() -> None:
    """Be the program: nothing but kind and place of an unforeseen error reaches the terminal or the log."""
    hush()
    command()


if __name__ == "__main__":
    main()
