"""What of an instance can be changed while it runs."""

from dataclasses import replace

from lab.actions.context import Context, Request, Response, reads
from lab.actions.ec2.instances import get_instance
from lab.actions.ec2.metadata_options import chosen, shape


@reads(
    "InstanceId", "HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"
)
def modify_instance_metadata_options(context: Context, request: Request) -> Response:
    """In force within a second."""
    instance = get_instance(context, request["InstanceId"])
    options = chosen(request, instance.metadata_options)
    context.store.put(replace(instance, metadata_options=options))
    return {"InstanceId": instance.instance_id, "InstanceMetadataOptions": shape(options)}
