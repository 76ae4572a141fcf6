"""What we know of each provider: one YAML file each."""
