"""What `amelio new` writes."""
