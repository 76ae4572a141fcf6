"""Kill -9 on the real daemon with probes flying, again and again, and the account of it."""
