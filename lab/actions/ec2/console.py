"""GetConsoleOutput: what an instance wrote to its console (bc:ec2.GetConsoleOutputResult).

AWS posts it from time to time and keeps 64 KB; here it is read when it is asked for, as with `Latest` on AWS.
"""

import base64

from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.instances import get_instance
from lab.core.times import moment

KEPT = 64 * 1024


@reads("InstanceId", "Latest")
def get_console_output(context: Context, request: Request) -> Response:
    instance = get_instance(context, request["InstanceId"])
    text = context.console(instance.instance_id).encode()[-KEPT:]
    answer = {"InstanceId": instance.instance_id, "Timestamp": moment(context.now)}
    return {**answer, "Output": base64.b64encode(text).decode()} if text else answer
