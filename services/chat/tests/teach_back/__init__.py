"""Explanations with labels: for each claim, what the passage says to it.

All of them were looked at in the end: none is held out any more.
"""
