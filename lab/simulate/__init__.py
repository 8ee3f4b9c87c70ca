"""Whole labs under virtual time: the same control code as in life, on machines and nodes that exist only in memory.

A composition root: adapters are wired to ports here, for tests and for `lab simulate`.
"""
