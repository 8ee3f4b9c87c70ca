"""The outside world behind the ports of `lab.control`: clocks, storage, ids, and the makers of machines."""
