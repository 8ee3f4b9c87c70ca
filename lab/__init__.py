"""asg-lab: AWS's standard web architecture as a working lab on one laptop."""
