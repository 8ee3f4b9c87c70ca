"""EC2 and VPC: networks, addresses, launch templates, instances."""
