"""What is wrong with a template is said with its line and path, all at once, before anything is made."""

import pytest

from lab.core.errors import LabError, ValidationError
from lab.stack import actions
from lab.stack.graph import order
from lab.stack.model import Stack
from tests.stack.fakes import Called, World

GROUP = """\
Parameters:
  Size: {Type: Number, Default: 2, MaxValue: 9}
Resources:
  Web:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSise: !Ref Size
      MaxSize: many
      VPCZoneIdentifier: subnet-1
      Context: x
      LaunchTemplate: {LaunchTemplateId: lt-1}
      LaunchTemplate: {LaunchTemplateId: lt-2, Version: "1"}
  Bucket:
    Type: AWS::S3::Bucket
  Typo:
    Type: AWS::EC2::Vpc
  Lb:
    Type: AWS::ElasticLoadBalancingV2::LoadBalancer
    DependsOn: [Zzz]
    Properties:
      Scheme: both
      Type: network
      Subnets: [!GetAtt Web.Arn, !Ref Nobody]
      Name: ~
Outputz: {}
"""
GROUP_PROBLEMS = """\
line 7: Resources.Web.Properties.MinSise: AWS::AutoScaling::AutoScalingGroup has no property MinSise; did you mean MinSize?
line 8: Resources.Web.Properties.MaxSize: Value of property MaxSize must be of type Integer
line 9: Resources.Web.Properties.VPCZoneIdentifier: Value of property VPCZoneIdentifier must be of type List of String
line 10: Resources.Web.Properties.Context: the lab does not support AWS::AutoScaling::AutoScalingGroup Context yet
line 12: Resources.Web.Properties.LaunchTemplate: duplicate key LaunchTemplate; the first is on line 11
line 14: Resources.Bucket.Type: the lab does not support AWS::S3::Bucket yet
line 16: Resources.Typo.Type: Unrecognized resource types: [AWS::EC2::Vpc]; did you mean AWS::EC2::VPC?
line 19: Resources.Lb.DependsOn: Unresolved resource dependencies [Zzz] in the Resources block of the template
line 21: Resources.Lb.Properties.Scheme: both is not a valid value; it is one of internet-facing, internal
line 22: Resources.Lb.Properties.Type: the lab does not support Type network yet; it can do application
line 23: Resources.Lb.Properties.Subnets.0: AWS::AutoScaling::AutoScalingGroup has no attribute Arn
line 23: Resources.Lb.Properties.Subnets.1: Unresolved resource dependencies [Nobody] in the Resources block of the template
line 24: Resources.Lb.Properties.Name: 'null' values are not allowed in templates
line 25: Outputz: Invalid template property or properties [Outputz]; did you mean Outputs?"""


def refused(text: str, **more: object) -> str:
    world = World()
    with pytest.raises(LabError) as caught:
        actions.create_stack(world.context, {"StackName": "x", "TemplateBody": text, **more})
    assert world.store.all(Stack) == []
    assert world.store.all(Called) == []
    return caught.value.message


def test_all_problems_are_said_together() -> None:
    said = actions_validate(GROUP).splitlines()
    assert said[0] == "Template format error: 16 problems"
    for line in GROUP_PROBLEMS.splitlines():
        assert line in said


def actions_validate(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        actions.validate_template(World().context, {"TemplateBody": text})
    return caught.value.message


VPC = "Resources: {V: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: 10.0.0.0/16}}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "YAML not well-formed. (line 1"),
        ("- a", "a template is a mapping of sections"),
        ("Description: x", "At least one Resources member must be defined."),
        (VPC + "AWSTemplateFormatVersion: 2010-09-10", "line 2: AWSTemplateFormatVersion: Unsupported value"),
        (VPC + "Transform: x", "the lab does not support the section Transform yet"),
        (VPC + "Metadata: {a: &x 1, b: *x}", "CloudFormation has no YAML aliases"),
        (VPC + "Metadata: !Nope x", "there is no function !Nope"),
        (VPC + "Metadata: {'Fn::Jion': x}", "there is no function Fn::Jion; did you mean Fn::Join?"),
        (VPC + "Metadata: !ImportValue x", "the lab does not support Fn::ImportValue yet"),
        (VPC + "Outputs: {O: {Value: !Ref W}}", "Unresolved resource dependencies [W]"),
        (VPC + "Conditions: {C: !Equals [!Ref V, a]}", "Cannot reference resources in the Conditions block"),
        ("Resources: {a_b: {Type: 'AWS::EC2::InternetGateway'}}", "Resource name a_b is non alphanumeric."),
        ("Resources: {A: {Properties: {}}}", "[/Resources/A] Every Resources object must contain a Type member."),
        ("Resources: {A: {Type: 'AWS::EC2::VPC'}}", "AWS::EC2::VPC needs the property CidrBlock"),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway', DeletionPolicy: Snapshot}}",
            "the lab does not support DeletionPolicy Snapshot yet",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::InternetGateway', UpdatePolicy: {}}}",
            "the lab does not support UpdatePolicy yet",
        ),
        (
            "Resources:\n  A: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Ref B}}\n"
            "  B: {Type: 'AWS::EC2::RouteTable', Properties: {VpcId: !Sub 'x${A}'}}\n",
            "line 2: Resources: Circular dependency between resources: [A, B]",
        ),
        (
            "Resources: {A: {Type: 'AWS::EC2::VPC', Properties: {CidrBlock: '{{resolve:ssm:x}}'}}}",
            "the lab does not support {{resolve:ssm:…}} yet; use secretsmanager",
        ),
        ("Parameters: {P: {Type: Strin}}\n" + VPC, "Unrecognized parameter type: Strin; did you mean String?"),
        ("Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>'}}\n" + VPC, "no Systems Manager parameter store"),
        ("Parameters: {P: {Type: String, Default: b, AllowedValues: [a]}}\n" + VPC, "must be one of AllowedValues"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    message = refused(text)
    assert message.startswith("Template format error: ")
    assert said in message


@pytest.mark.parametrize(
    ("declaration", "value", "said"),
    [
        ("Type: String", None, "Parameters: [P] must have values"),
        ("Type: Number", "x", "Parameter 'P' must be a number"),
        ("Type: Number, MinValue: 2", "1", "Parameter 'P' must be a number not less than 2"),
        ("Type: Number, MaxValue: 2", "3", "Parameter 'P' must be a number not greater than 2"),
        ("Type: List<Number>", "1,x", "Parameter 'P' must be a number"),
        ("Type: String, MinLength: 2", "a", "Parameter 'P' must contain at least 2 characters"),
        ("Type: String, MaxLength: 2", "abc", "Parameter 'P' must contain at most 2 characters"),
        ("Type: String, AllowedPattern: '[a-z]+'", "A", "Parameter 'P' must match pattern [a-z]+"),
        ("Type: String, AllowedValues: [a, 1]", "2", "Parameter 'P' must be one of AllowedValues"),
        (
            "Type: String, AllowedValues: [a], ConstraintDescription: only a.",
            "b",
            "Parameter P failed to satisfy constraint: only a.",
        ),
    ],
)
def test_parameters(declaration: str, value: str | None, said: str) -> None:
    given = [] if value is None else [{"ParameterKey": "P", "ParameterValue": value}]
    assert refused(f"Parameters: {{P: {{{declaration}}}}}\n{VPC}", Parameters=given) == said


def test_unknown_parameter() -> None:
    given = [{"ParameterKey": "Q", "ParameterValue": "x"}]
    assert refused(VPC, Parameters=given) == "Parameters: [Q] do not exist in the template"


def test_no_echo_is_hidden() -> None:
    world = World()
    text = "Parameters: {P: {Type: String, NoEcho: true}}\n" + VPC
    given = [{"ParameterKey": "P", "ParameterValue": "hidden"}]
    actions.create_stack(world.context, {"StackName": "x", "TemplateBody": text, "Parameters": given})
    [stack] = actions.describe_stacks(world.context, {})["Stacks"]
    assert stack["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "****"}]


def test_leniency_and_conditions() -> None:
    world = World()
    text = """
Conditions: {Never: !Equals [a, b]}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, EnableDnsSupport: "true"}}
  Gone: {Type: AWS::EC2::InternetGateway, Condition: Never}
  Tg:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties: {Port: "80", Protocol: HTTP, VpcId: !If [Never, !Ref Gone, !Ref Vpc], Matcher: {HttpCode: 200}}
Outputs:
  Never: {Condition: Never, Value: !Ref Gone}
  Vpc: {Value: !Ref Vpc, Export: {Name: !Sub "${AWS::StackName}-vpc"}}
"""
    actions.create_stack(
        world.context, {"StackName": "web", "TemplateBody": text, "Tags": [{"Key": "a", "Value": "b"}]}
    )
    world.run()
    [stack] = actions.describe_stacks(world.context, {"StackName": "web"})["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert [(one["OutputKey"], one["ExportName"]) for one in stack["Outputs"]] == [("Vpc", "web-vpc")]
    [request] = world.aws.requests("CreateTargetGroup")
    assert (request["Port"], request["Matcher"], request["Tags"]) == (
        80,
        {"HttpCode": "200"},
        [{"Key": "a", "Value": "b"}],
    )
    assert actions.get_template(world.context, {"StackName": "web"})["TemplateBody"] == text


@pytest.mark.parametrize(
    ("edges", "ordered", "circle"),
    [
        ({"a": ("b",), "b": ()}, ["b", "a"], []),
        ({"a": (), "b": (), "c": ("a",)}, ["a", "b", "c"], []),
        ({"a": ("b",), "b": ("a",), "c": ("a",), "d": ()}, ["d"], ["a", "b"]),
        ({"a": ("a",)}, [], ["a"]),
    ],
)
def test_order(edges: dict[str, tuple[str, ...]], ordered: list[str], circle: list[str]) -> None:
    assert order(edges) == (ordered, circle)
