"""Measurements. They run on loopback, print what they saw on which machine, and leave nothing behind."""
