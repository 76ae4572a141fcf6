"""mailprobe: a synthetic email round-trip monitor that says whose side is at fault."""

__version__ = "0.1.0"
