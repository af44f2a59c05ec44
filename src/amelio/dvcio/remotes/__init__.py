"""Remotes: their settings, and what they answer within a time limit."""
