"""A request under way: connections of clients and to targets, and what they share and count."""
