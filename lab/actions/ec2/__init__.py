"""Actions of EC2 and VPC."""
