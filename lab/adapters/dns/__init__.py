"""DNS on the wire: messages, and a server of them."""
