"""argv → one action → text and exit code; one module per command group."""
