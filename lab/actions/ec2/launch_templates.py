"""Launch templates (aws-facts §7.2). As on AWS, the data of a version is checked when something is launched from it."""

import re
from dataclasses import replace
from typing import Any

from lab.actions.context import Context, Request, Response, reads, tag_list
from lab.actions.ec2.common import member, select, specified_tags
from lab.actions.ec2.launch_interfaces import wish
from lab.core.ec2.model import LaunchTemplate, LaunchTemplateVersion
from lab.core.errors import LabError
from lab.core.store import Store
from lab.core.times import moment

NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")


@reads("LaunchTemplateName", "VersionDescription", "LaunchTemplateData", "TagSpecifications", "ClientToken")
def create_launch_template(context: Context, request: Request) -> Response:
    name = request["LaunchTemplateName"]
    if NAME.fullmatch(name) is None:
        raise LabError(
            "InvalidLaunchTemplateName.MalformedException",
            "A launch template name must be between 3 and 128 characters of a-z, A-Z, 0-9 and ( ) . / _ -",
        )
    if any(template.launch_template_name == name for template in context.store.all(LaunchTemplate)):
        raise LabError(
            "InvalidLaunchTemplateName.AlreadyExistsException", f"Launch template name already in use: {name}"
        )
    wish(request["LaunchTemplateData"])
    first = LaunchTemplateVersion(1, request["LaunchTemplateData"], context.now, request.get("VersionDescription", ""))
    tags = specified_tags(request, "launch-template")
    template = LaunchTemplate(context.new_id("lt"), name, context.now, (first,), tags=tags)
    context.store.put(template)
    return {"LaunchTemplate": _template(template, context)}


@reads(
    "LaunchTemplateId", "LaunchTemplateName", "VersionDescription", "LaunchTemplateData", "SourceVersion", "ClientToken"
)
def create_launch_template_version(context: Context, request: Request) -> Response:
    template = find_template(context.store, request)
    wish(request["LaunchTemplateData"])
    inherited = version_of(template, request["SourceVersion"]).data if "SourceVersion" in request else {}
    version = LaunchTemplateVersion(
        template.latest_version + 1,
        {**inherited, **request["LaunchTemplateData"]},
        context.now,
        request.get("VersionDescription", ""),
    )
    template = replace(template, versions=(*template.versions, version))
    context.store.put(template)
    return {"LaunchTemplateVersion": _version(template, version, context)}


@reads("LaunchTemplateId", "LaunchTemplateName", "DefaultVersion", "ClientToken")
def modify_launch_template(context: Context, request: Request) -> Response:
    template = find_template(context.store, request)
    if "DefaultVersion" in request:
        number = version_of(template, request["DefaultVersion"]).number
        template = replace(template, default_version=number)
        context.store.put(template)
    return {"LaunchTemplate": _template(template, context)}


@reads("LaunchTemplateIds", "LaunchTemplateNames", "Filters", "MaxResults", "NextToken")
def describe_launch_templates(context: Context, request: Request) -> Response:
    described = [_template(template, context) for template in context.store.all(LaunchTemplate)]
    filters = {"launch-template-name": member("LaunchTemplateName")}
    entries = request.get("Filters", ())
    found = select(
        described,
        request.get("LaunchTemplateIds", ()),
        "LaunchTemplateId",
        "InvalidLaunchTemplateId.NotFound",
        entries,
        filters,
    )
    names = request.get("LaunchTemplateNames", ())
    code = "InvalidLaunchTemplateName.NotFoundException"
    return {"LaunchTemplates": select(found, names, "LaunchTemplateName", code, (), {})}


@reads("LaunchTemplateId", "LaunchTemplateName", "Versions", "MaxResults", "NextToken")
def describe_launch_template_versions(context: Context, request: Request) -> Response:
    template = find_template(context.store, request)
    versions = request.get("Versions") or [str(version.number) for version in template.versions]
    return {"LaunchTemplateVersions": [_version(template, version_of(template, name), context) for name in versions]}


@reads("LaunchTemplateId", "LaunchTemplateName")
def delete_launch_template(context: Context, request: Request) -> Response:
    template = find_template(context.store, request)
    context.store.delete(LaunchTemplate, template.launch_template_id)
    return {"LaunchTemplate": _template(template, context)}


def find_template(store: Store, named: Request) -> LaunchTemplate:
    """The template that LaunchTemplateId or LaunchTemplateName names."""
    identity, name = named.get("LaunchTemplateId"), named.get("LaunchTemplateName")
    if (identity is None) == (name is None):
        raise LabError("InvalidParameterCombination", "Give either LaunchTemplateId or LaunchTemplateName")
    for template in store.all(LaunchTemplate):
        if identity in (template.launch_template_id,) or name in (template.launch_template_name,):
            return template
    if identity is not None:
        raise LabError(
            "InvalidLaunchTemplateId.NotFound",
            f"The specified launch template, with template ID {identity}, does not exist.",
        )
    raise LabError(
        "InvalidLaunchTemplateName.NotFoundException",
        f"The specified launch template, with template name {name}, does not exist.",
    )


def version_of(template: LaunchTemplate, name: str) -> LaunchTemplateVersion:
    """The version by number, `$Latest` or `$Default`."""
    numbers = {"$Latest": template.latest_version, "$Default": template.default_version}
    wanted = str(numbers.get(name, name))
    for version in template.versions:
        if str(version.number) == wanted:
            return version
    raise LabError(
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version {name} for the launch template with ID {template.launch_template_id}.",
    )


def _template(template: LaunchTemplate, context: Context) -> dict[str, Any]:
    return {
        "LaunchTemplateId": template.launch_template_id,
        "LaunchTemplateName": template.launch_template_name,
        "CreateTime": moment(template.created),
        "CreatedBy": f"arn:aws:iam::{context.account.account_id}:root",
        "DefaultVersionNumber": template.default_version,
        "LatestVersionNumber": template.latest_version,
        "Tags": tag_list(template.tags),
    }


def _version(template: LaunchTemplate, version: LaunchTemplateVersion, context: Context) -> dict[str, Any]:
    return {
        "LaunchTemplateId": template.launch_template_id,
        "LaunchTemplateName": template.launch_template_name,
        "VersionNumber": version.number,
        "VersionDescription": version.description,
        "CreateTime": moment(version.created),
        "CreatedBy": f"arn:aws:iam::{context.account.account_id}:root",
        "DefaultVersion": version.number == template.default_version,
        "LaunchTemplateData": dict(version.data),
    }
