"""The HTTP edge of the control plane: AWS actions, what nodes ask and report, what people and pages look at."""
