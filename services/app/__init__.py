"""The sample application that every instance of the lab runs: a small shop with a database behind it.

It is a guest: it imports nothing of the lab and learns who it is from its environment and its user data, as a program on
EC2 does. `python -m services.app` serves it.
"""
