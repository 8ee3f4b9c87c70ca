"""Where a request goes: rules, what they do, sessions."""
