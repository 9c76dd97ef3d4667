"""How benchmarks tell what they found: one line each, with what was asked."""

from __future__ import annotations

import sys


def tell(
    what: str, figure: float, *, at_most: float | None = None, at_least: float | None = None, words: str
) -> bool:
    """Print one finding; return whether what is asked was kept (nothing asked: it was)."""
    kept = (at_most is None or figure <= at_most) and (at_least is None or figure >= at_least)
    bounds = ((at_most, "at most"), (at_least, "at least"))
    asked = [f"{word} {bound:g}" for bound, word in bounds if bound is not None]
    verdict = f" (asked: {asked[0]}){'' if kept else '  MISSED'}" if asked else ""
    sys.stdout.write(f"{what}: {figure:.2f}{verdict}; {words}\n")
    sys.stdout.flush()
    return kept
