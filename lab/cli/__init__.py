"""The `lab` command. Each verb is a module that is imported only when it is called, so that `--help` costs nothing."""
