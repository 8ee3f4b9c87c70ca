"""RDS: database instances and their subnet groups."""
