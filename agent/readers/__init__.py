"""Readers turn the bytes of a dropped file into records of text cells; one module per family of formats.

Pure: no disk, network, clock or log. See `base` for what every reader promises.
"""
