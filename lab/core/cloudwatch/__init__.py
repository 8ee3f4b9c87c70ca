"""CloudWatch: metrics, statistics and alarms."""
