"""Reconcilers (observe, plan, act), the loop that runs them, and the ports they need from the outside."""
