"""The lab from outside: brought up by its own command, looked at through its ports, broken, and looked at again."""
