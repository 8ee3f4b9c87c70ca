"""What the dashboard shows as it happens: a point a second, the events on the same axis, and the whole lab."""
