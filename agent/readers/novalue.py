"""The texts that programs write where a value is missing: what stands there is no value."""

from __future__ import annotations

__all__ = ["LONGEST", "NO_VALUE"]

# In lower case. Words that could be somebody's value, such as "none", are not among them.
NO_VALUE = frozenset({"n/a", "#n/a", "null", "#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!"})
LONGEST = 16  # characters; longer texts need not be looked up
