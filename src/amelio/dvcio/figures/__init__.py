"""Metrics, parameters and plots, in the workspace and as of any revision."""
