"""The config file: YAML in, frozen types out, every error with file:line:col."""
