"""Predictions of many files."""
