"""Actions of EC2 Auto Scaling."""
