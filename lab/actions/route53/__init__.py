"""Route 53's actions: hosted zones, record sets, health checks, tags."""
