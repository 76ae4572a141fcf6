"""The wire, no decisions."""
