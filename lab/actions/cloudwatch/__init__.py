"""Actions of CloudWatch."""
