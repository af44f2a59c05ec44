"""Seeded image collections for the demo projects (pure)."""
