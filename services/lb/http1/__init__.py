"""Messages of HTTP/1.1: heads and bodies read strictly and written anew. Knows no connection."""
