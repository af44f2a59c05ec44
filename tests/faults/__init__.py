"""Faults on purpose, with DVC as the control: what must not be lost, torn or wrong."""
