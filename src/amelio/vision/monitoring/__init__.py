"""Lots against the training images: traits, shifts, drift."""
