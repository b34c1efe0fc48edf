"""SLUG the plain way: what scripts do that evaluate everything anew at every step.

Written from the description of the method for comparison only. It shares the readers of data, the losses'
definitions and the rule of choice with our code, and none of its short cuts.
"""

from benchmarks.naive.gradients import mean_gradients
from benchmarks.naive.search import search

__all__ = ["mean_gradients", "search"]
