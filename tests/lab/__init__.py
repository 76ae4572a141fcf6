"""A real mail world on loopback: three providers, each with its own Postfix and Dovecot."""
