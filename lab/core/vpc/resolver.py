"""Where a VPC's resolver is (vpc:vpc-dns): at the address two above its block's, and at 169.254.169.253 everywhere."""

from ipaddress import IPv4Network

from lab.core.ec2.model import Vpc


def resolver_address(vpc: Vpc) -> str:
    """Empty where the VPC's attribute `enableDnsSupport` is off."""
    return str(IPv4Network(vpc.cidr_block)[2]) if vpc.enable_dns_support else ""
