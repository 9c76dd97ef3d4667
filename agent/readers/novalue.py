"""The texts that programs write where a value is missing: what stands there is no value."""

from __future__ import annotations

__all__ = ["LONGEST", "NO_VALUE"]

LONGEST = 16  # characters; longer texts need not be looked up

# What spreadsheets write for an error, in the languages that have words of their own for it.
_ERRORS = """
    #n/a #ref! #value! #div/0! #name? #num! #null! #spill! #calc! #getting_data
    #nv #bezug! #wert! #zahl!
    #valeur! #nom? #nombre! #nul!
    #n/d #¡ref! #¡valor! #¡div/0! #¿nombre? #¡num! #¡nulo!
    #rif! #valore! #nome? #nullo!
    #n/b #verw! #waarde! #deel/0! #naam? #getal! #leeg!
"""
_CALC_ERRORS = (f"err:{number}" for number in range(501, 541))  # of LibreOffice
_TOO_NARROW = ("#" * width for width in range(3, LONGEST + 1))  # a column that did not show its value

# In lower case. Words that could be somebody's value, such as "none", are not among them.
NO_VALUE = frozenset({"n/a", "null", *_ERRORS.split(), *_CALC_ERRORS, *_TOO_NARROW})
