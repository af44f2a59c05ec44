"""What a run asks DVC for: stages, their order, state and outputs, locks and lock files."""
