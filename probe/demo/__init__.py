"""An embedded mail world: three providers in one process, and scenarios."""
