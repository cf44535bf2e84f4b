"""Explanations with labels: for each claim, what the passage says to it.

`developed_on`, `held_out`, `judged_on` and `played` were looked at in the end; `unseen` only as figures.
"""
