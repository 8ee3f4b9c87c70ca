"""Route 53, and what a VPC's resolver answers."""
