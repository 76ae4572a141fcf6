"""The loops. They see the wire only as callables."""
