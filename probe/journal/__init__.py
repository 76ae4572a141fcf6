"""What happened, on disk: sqlite3, one writer thread, readers of their own."""
