"""A node's processes: the supervisor, its workers, what they tell each other and the control plane."""
