"""A first feed from a sample file: what its columns are, how it writes numbers and dates, and a draft to be corrected.

Pure: no disk, network, clock or log; bytes and values in, values and texts out. It proposes and never decides: what it
is not sure of is marked with CHECK in the draft, and where money would hang on a guess the draft does not work until
somebody has looked. One module finds out one thing; `drafting` puts them together.
"""
