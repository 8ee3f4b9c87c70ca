"""EC2 Auto Scaling: groups, policies, and every decision about capacity."""
