"""Explanations with labels: for each claim, what the passage says to it. One set was looked at while the rules were written; the
other was not, and is what the floors in the test are about."""
