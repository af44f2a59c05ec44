"""DVC's cache, run cache and database of hashes: what they hold, and whether it may be believed."""
