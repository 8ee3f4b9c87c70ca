"""The load balancer node: the data plane. Of the lab's code it imports `lab.core` only, and only the standard library else."""
