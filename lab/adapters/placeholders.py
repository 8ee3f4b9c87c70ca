"""The environment of a machine, the same rule on every adapter.

A program does not know whether it runs in a container (own network, port 80 is port 80) or as a local process (loopback,
port 80 is whatever was free). It learns that from four kinds of variables, which are always set:

    LAB_BIND          the address to listen on            0.0.0.0      127.0.0.1
    LAB_PORT_<n>      the port to listen on for port n    80           20017
    LAB_DATA          the directory that survives         data_path    …/machines/<id>/data

and from placeholders in the values of `MachineSpec.environment`, for programs with variables of their own:
`{bind}`, `{port:80}` and `{data}` are replaced by the same three facts. Other braces are left alone, so JSON may stand there.
"""

import re
from collections.abc import Mapping

from lab.core.compute import MachineSpec
from lab.core.errors import Refused

_PLACEHOLDER = re.compile(r"\{(?:(?P<word>bind|data)|port:(?P<port>\d+))\}")


def machine_environment(spec: MachineSpec, *, bind: str, data: str, ports: Mapping[int, int]) -> dict[str, str]:
    """The variables to start the machine with. `ports` maps each port number of the spec to the one to listen on.

    Raises `Refused` when a value asks for a port that the machine does not have.
    """

    def replacement(match: re.Match[str]) -> str:
        if match["word"] is not None:
            return bind if match["word"] == "bind" else data
        number = int(match["port"])
        if number not in ports:
            known = ", ".join(map(str, ports)) or "none"
            raise Refused(f"the environment of {spec.id} asks for {match[0]}, but its ports are: {known}")
        return str(ports[number])

    return {
        **{name: _PLACEHOLDER.sub(replacement, value) for name, value in spec.environment.items()},
        "LAB_BIND": bind,
        "LAB_DATA": data,
        **{f"LAB_PORT_{number}": str(actual) for number, actual in ports.items()},
    }
