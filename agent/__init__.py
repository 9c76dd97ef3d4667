"""Turns dropped files into impact.com batches, delivers them and tells what became of each row."""

__version__ = "0.1.0"
