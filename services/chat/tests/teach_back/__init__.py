"""Explanations with labels: for each claim, what the passage says to it.

All three were looked at in the end; `judged_on` last: what it gave before that stands in chat's README.
"""
