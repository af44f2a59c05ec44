"""Fixtures of the engine's tests, for what breaks in them."""

from tests.actions.conftest import project

__all__ = ["project"]
