"""What stands in a network interface's own container: its firewall and its faults. Standard library and libnftables only."""
