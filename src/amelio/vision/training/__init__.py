"""Network, optimisation, tuning."""
