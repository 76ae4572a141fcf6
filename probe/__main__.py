"""``python -m probe`` is ``mailprobe``."""

from probe.cli import main

main()
