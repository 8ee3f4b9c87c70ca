"""Drills: a planned failure under load, watched, and measured against what was expected of it.

`model` and `parse` are what a drill is, `samples` what was seen, `figures` and `verdicts` what that comes to (all of it pure);
`act` and `run` carry it out on a lab; `record` and `report` keep it and show it.
"""
