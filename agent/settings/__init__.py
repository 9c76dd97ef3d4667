"""Settings: YAML files read into frozen models, every mistake with its file, line and column."""
