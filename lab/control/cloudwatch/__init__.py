"""CloudWatch at work: what is measured, and the alarms on it."""
