"""`python -m services.lb` runs a node; see services.lb.main for its environment."""

import sys

from services.lb.main import main

sys.exit(main(sys.argv[1:]))
