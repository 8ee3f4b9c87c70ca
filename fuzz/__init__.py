"""Fuzzing the balancer's parsers: what must hold of any bytes. `make fuzz` drives it by atheris, the tests by hypothesis."""
