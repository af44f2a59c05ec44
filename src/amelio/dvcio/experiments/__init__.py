"""Experiments as DVC keeps them: made in worktrees, found by their refs, shown as tables."""
