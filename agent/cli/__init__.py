"""The commands people give, and how their answers look."""
