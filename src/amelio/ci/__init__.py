"""Workflow files: what is known of a pipeline in, paths and texts out; nothing is written."""
