"""What can be launched here: the images behind AMI ids, and the CPU and memory behind instance types.

AWS's list is endless; the lab's is short and says so. A t3.micro has two burstable vCPUs on AWS; here every type is one
process on at most one core, so that "100 % CPU" is reachable and means what it says.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """`machine_image` is the alias that compute adapters know; `ports` are those its program listens on, as far as the image
    decides that. `disk`: what is written to its file system stays until the instance is terminated."""

    image_id: str
    name: str
    description: str
    machine_image: str
    ports: tuple[int, ...] = ()
    disk: bool = False


IMAGES = {
    image.image_id: image
    for image in (
        Image("ami-00000000000000a99", "asg-lab sample application", "The web shop, on port 8000", "app", (8000,)),
        Image(
            "ami-0000000000000ba5e",
            "asg-lab base",
            "bash, curl, python3, busybox httpd and SSH for ec2-user; runs user data at its first boot; needs Docker",
            "base",
            disk=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Size:
    vcpus: float
    memory_mib: int


_FAMILIES = ("t2", "t3", "t3a", "t4g", "m5", "m6i", "m6g", "m7i", "m7g", "c5", "c6i", "c6g", "c7i", "c7g")
_SIZES = {
    "nano": Size(0.25, 192),
    "micro": Size(0.5, 256),
    "small": Size(1.0, 384),
    "medium": Size(1.0, 512),
    "large": Size(1.0, 768),
    "xlarge": Size(1.0, 1024),
}
INSTANCE_TYPES = {f"{family}.{name}": size for family in _FAMILIES for name, size in _SIZES.items()}
