"""Rules over metrics become verdicts; changes of state become alerts."""
