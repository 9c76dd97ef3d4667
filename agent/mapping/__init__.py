"""A Jinja template that looks like the batch it makes, compiled to a generator of rows. Pure."""
