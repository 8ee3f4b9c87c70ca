"""The network inside EC2: what rows say of it, as the documents that packets are handled by, and where a packet would go."""
