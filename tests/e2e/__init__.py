"""The program as a process, against real servers."""
