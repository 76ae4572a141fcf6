"""Our words and every decision, pure: no I/O; time and chance are arguments."""
