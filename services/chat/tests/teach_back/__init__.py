"""Explanations with labels: for each claim, what the passage says to it.

`developed_on` and `held_out` were looked at while the rules were written, `judged_on` was not.
"""
