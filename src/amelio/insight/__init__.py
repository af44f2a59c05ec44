"""Run records: what every run did, why, and what it cost."""
