"""Experiments: their queue, the worktrees that they run in, the workers that run them."""
