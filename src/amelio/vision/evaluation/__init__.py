"""What a model is worth: metrics, comparison, performance, robustness."""
