"""The only door to dvc and its satellites."""
