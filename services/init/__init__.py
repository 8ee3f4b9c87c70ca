"""The init of the lab's base AMI: what cloud-init and systemd do on EC2's own images, as much of it as user data leans on.

It runs in the instance and knows the lab only as an instance does: by its metadata service. There is no root here: one user,
ec2-user, owns the machine's files and has no capability (docs/decisions/0009).
"""
