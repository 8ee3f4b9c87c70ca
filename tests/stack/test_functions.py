"""Every intrinsic function, good and bad, in its long form, its short form and JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.stack.document import plain, read
from lab.stack.functions import Scope, condition, evaluate
from lab.stack.resolve import Setting
from lab.stack.values import Unknown

SETTING = Setting("us-east-1", "123456789012", ("us-east-1a", "us-east-1b"), "web", "arn:stack")
MAPPINGS = 'Mappings: {Sizes: {small: {Cpu: "1", List: [a, b]}}}\n'
CONDITIONS = """
Conditions:
  Yes: !Equals [!Ref Env, prod]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Equals [1, "1"]]
  Either: !Or [!Condition No, {Condition: Yes}]
  Circle: !Not [!Condition Circle]
"""


def scope(text: str = "") -> Scope:
    sections = read(MAPPINGS + CONDITIONS.rstrip() + "\n" + text)[0].value
    resources: dict[str, Any] = {"Vpc": "vpc-1", "New": Unknown("New")}
    return Scope(
        parameters={"Env": "prod", "Subnets": ["s1", "s2"]},
        pseudo=SETTING.pseudo(),
        mappings=sections["Mappings"].value,
        conditions=sections["Conditions"].value,
        zones=SETTING.zones,
        resource=resources.get,
        attribute=lambda name, member: f"{name}.{member}" if name in resources else None,
        reveal=lambda value: value.replace("{{resolve:secretsmanager:s}}", "secret"),
    )


def value(written: str) -> tuple[Any, list[str]]:
    tree, problems = read(f"X: {written}")
    assert not problems
    within = scope()
    found = plain(evaluate(tree.value["X"], within))
    return found, [one.text for one in within.problems]


GOOD: list[tuple[str, str, Any]] = [
    ("!Ref Env", '{"Ref": "Env"}', "prod"),
    ("!Ref Vpc", '{"Ref": "Vpc"}', "vpc-1"),
    ("!Ref AWS::AccountId", '{"Ref": "AWS::AccountId"}', "123456789012"),
    ("!Ref AWS::Partition", '{"Ref": "AWS::Partition"}', "aws"),
    ("!Ref AWS::URLSuffix", '{"Ref": "AWS::URLSuffix"}', "amazonaws.com"),
    ("!Ref AWS::StackId", '{"Ref": "AWS::StackId"}', "arn:stack"),
    ("!Ref AWS::NotificationARNs", '{"Ref": "AWS::NotificationARNs"}', []),
    ("!GetAtt Vpc.CidrBlock", '{"Fn::GetAtt": ["Vpc", "CidrBlock"]}', "Vpc.CidrBlock"),
    ("!GetAtt [Vpc, A.B]", '{"Fn::GetAtt": "Vpc.A.B"}', "Vpc.A.B"),
    ("!Sub '${AWS::StackName}-${Env}'", '{"Fn::Sub": "${AWS::StackName}-${Env}"}', "web-prod"),
    ("!Sub '${!Literal} ${Vpc.Id}'", '{"Fn::Sub": "${!Literal} ${Vpc.Id}"}', "${Literal} Vpc.Id"),
    ("!Sub ['${a}/${Env}', {a: !Ref Vpc}]", '{"Fn::Sub": ["${a}/${Env}", {"a": {"Ref": "Vpc"}}]}', "vpc-1/prod"),
    ("!Join ['-', [a, 1, true]]", '{"Fn::Join": ["-", ["a", 1, true]]}', "a-1-true"),
    ("!Join [',', !Ref Subnets]", '{"Fn::Join": [",", {"Ref": "Subnets"}]}', "s1,s2"),
    ("!Split [',', 'a,b']", '{"Fn::Split": [",", "a,b"]}', ["a", "b"]),
    ("!Select [1, !Ref Subnets]", '{"Fn::Select": [1, {"Ref": "Subnets"}]}', "s2"),
    ("!Select ['0', [a, !Ref New]]", '{"Fn::Select": ["0", ["a", {"Ref": "New"}]]}', "a"),
    ("!GetAZs ''", '{"Fn::GetAZs": ""}', ["us-east-1a", "us-east-1b"]),
    ("!Select [1, !GetAZs {Ref: AWS::Region}]", '{"Fn::Select": [1, {"Fn::GetAZs": "us-east-1"}]}', "us-east-1b"),
    ("!FindInMap [Sizes, small, Cpu]", '{"Fn::FindInMap": ["Sizes", "small", "Cpu"]}', "1"),
    ("!FindInMap [Sizes, small, List]", '{"Fn::FindInMap": ["Sizes", "small", "List"]}', ["a", "b"]),
    ("!If [Yes, a, b]", '{"Fn::If": ["Yes", "a", "b"]}', "a"),
    ("!If [No, a, b]", '{"Fn::If": ["No", "a", "b"]}', "b"),
    ("!If [Both, a, b]", '{"Fn::If": ["Both", "a", "b"]}', "a"),
    ("!If [Either, a, b]", '{"Fn::If": ["Either", "a", "b"]}', "a"),
    ("[a, !If [No, b, !Ref AWS::NoValue]]", '["a", {"Fn::If": ["No", "b", {"Ref": "AWS::NoValue"}]}]', ["a"]),
    ("{a: !Ref AWS::NoValue, b: 1}", '{"a": {"Ref": "AWS::NoValue"}, "b": 1}', {"b": 1}),
    ("!Base64 hello", '{"Fn::Base64": "hello"}', "aGVsbG8="),
    ("!Base64 '{{resolve:secretsmanager:s}}'", '{"Fn::Base64": "{{resolve:secretsmanager:s}}"}', "c2VjcmV0"),
    ("!Cidr [10.0.0.0/16, 2]", '{"Fn::Cidr": ["10.0.0.0/16", 2]}', ["10.0.0.0/24", "10.0.1.0/24"]),
    ("!Cidr [10.0.0.0/24, 1, 4]", '{"Fn::Cidr": ["10.0.0.0/24", "1", "4"]}', ["10.0.0.0/28"]),
]


@pytest.mark.parametrize(("short", "long", "wanted"), GOOD)
def test_good(short: str, long: str, wanted: Any) -> None:
    assert value(short) == (wanted, [])
    assert value(long) == (wanted, [])


@pytest.mark.parametrize(("short", "long", "_"), GOOD)
def test_short_long_and_json_are_one_tree(short: str, long: str, _: Any) -> None:
    as_yaml, as_long = read(f"X: {short}"), read(f"X: {long}")
    as_json = read('{\n\t"X": ' + long + "}")
    assert as_long == as_json
    if "!GetAtt" not in short and "'0'" not in short and "{Ref: AWS::Region}" not in short and "Cidr" not in short:
        assert as_yaml == as_long


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("!Ref Nobody", "Unresolved resource dependencies [Nobody] in the Resources block of the template"),
        ("!Ref [a]", "Ref needs a name"),
        ("!GetAtt Vpc", "Fn::GetAtt needs"),
        ("!GetAtt Nobody.Id", "Unresolved resource dependencies [Nobody]"),
        ("!Sub '${Nobody}'", "Unresolved resource dependencies [Nobody]"),
        ("!Sub '${Nobody.Id}'", "Unresolved resource dependencies [Nobody]"),
        ("!Sub '${a b}'", "variable names in Fn::Sub syntax must contain only alphanumeric characters"),
        ("!Sub '${Subnets}'", "Fn::Sub can put only strings in its text"),
        ("!Sub [1, 2, 3]", "Fn::Sub needs"),
        ("!Join [a]", "Fn::Join needs"),
        ("!Join [',', [[a]]]", "Fn::Join needs"),
        ("!Split ['', a]", "Fn::Split needs"),
        ("!Select [2, [a, b]]", "Fn::Select cannot select nonexistent value at index 2"),
        ("!Select [x, [a]]", "Fn::Select needs"),
        ("!GetAZs eu-west-1", "the lab has the region us-east-1 only"),
        ("!FindInMap [Sizes, big, Cpu]", "Unable to get mapping for Sizes::big::Cpu"),
        ("!FindInMap [Sizes, small]", "Fn::FindInMap needs"),
        ("!If [Nobody, a, b]", "Unresolved condition dependency Nobody"),
        ("!If [Circle, a, b]", "Circular dependency between conditions: [Circle]"),
        ("!If [Yes, a]", "Fn::If needs"),
        ("!Equals [a, b]", "belong in the Conditions section"),
        ("!Base64 [a]", "Fn::Base64 needs"),
        ("!Cidr [10.0.0.0/28, 9, 4]", "Fn::Cidr: 10.0.0.0/28 holds only 1 blocks"),
        ("!Cidr [here, 1]", "Fn::Cidr needs"),
        ("!Cidr [10.0.0.0/16, 257]", "Fn::Cidr gives 1 to 256 blocks"),
    ],
)
def test_bad(written: str, said: str) -> None:
    found, problems = value(written)
    assert isinstance(found, Unknown)
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    "written",
    ["!Ref New", "!Sub 'x${New}'", "!Join ['', [a, !Ref New]]", "!Split [',', !Ref New]", "!Base64 {Ref: New}"],
)
def test_a_function_of_an_unknown_is_unknown(written: str) -> None:
    found, problems = value(written)
    assert (type(found), problems) == (Unknown, [])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("!And [!Condition Yes]", "Fn::And needs a list of 2 to 10 conditions"),
        ("!Not [a, b]", "Fn::Not needs"),
        ("!Equals [a]", "Fn::Equals needs"),
        ("maybe", "a condition is"),
    ],
)
def test_bad_conditions(written: str, said: str) -> None:
    within = scope(f"  Bad: {written}\n")
    assert isinstance(condition("Bad", within), Unknown)
    assert said in within.problems[0].text


@given(st.dictionaries(st.text(max_size=40), st.one_of(st.text(), st.integers(), st.booleans()), max_size=4))
def test_json_is_read_as_json_reads_it(document: dict[str, Any]) -> None:
    wrapped = {"Metadata": {f"k{key}": value for key, value in document.items()}}
    tree, problems = read(json.dumps(wrapped))
    assert not problems
    assert plain(tree) == wrapped
