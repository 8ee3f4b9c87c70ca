"""Values and decisions. Pure: standard library only; no clock, randomness, logging, I/O or await.

Everything that decides takes `now` (lab time, seconds since the epoch) as an argument and returns values.
"""
