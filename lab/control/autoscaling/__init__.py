"""Auto Scaling at work: groups and their policies."""
