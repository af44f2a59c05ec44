"""DVC's YAML, read and written quickly, and kept within bounds."""
