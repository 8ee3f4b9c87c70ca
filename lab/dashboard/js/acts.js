// What can be done to the lab from the page, and how the same is done by hand: each act is a request and its command lines.
import { t } from "./text.js";

const aws = (line) => `aws ${line} --endpoint-url ${location.origin}`;

async function send(method, path, body) {
  const answer = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error.message);
  return found;
}

const post = (path, body = {}) => send("POST", path, body);
const call = (service, operation, request) => post(`/lab/aws/${service}/${operation}`, request);

function group(operation, command, request, extra = "") {
  return {
    run: () => call("autoscaling", operation, request),
    lines: [aws(`autoscaling ${command} ${extra}`.trim())],
  };
}

/** Acts on an instance of a group. Each has a name in the catalogue (its text is NAME_text), `run` and `lines`. */
export function onInstance(row) {
  const serving = row.lifecycle === "InService";
  const acts = [
    { name: "kill", danger: true, run: () => post(`/lab/instances/${row.id}/kill`), lines: [`lab kill ${row.id}`] },
    { name: "unhealthy", danger: true, ...group("SetInstanceHealth", "set-instance-health", { InstanceId: row.id, HealthStatus: "Unhealthy", ShouldRespectGracePeriod: false }, `--instance-id ${row.id} --health-status Unhealthy --no-should-respect-grace-period`) },
    { name: "hang", danger: true, run: () => post(`/lab/instances/${row.id}/fault`, { health: "hang" }), lines: [`lab fail health ${row.id} --how hang`, `lab recover health ${row.id}`] },
    { name: "drain", ...group("TerminateInstanceInAutoScalingGroup", "terminate-instance-in-auto-scaling-group", { InstanceId: row.id, ShouldDecrementDesiredCapacity: false }, `--instance-id ${row.id} --no-should-decrement-desired-capacity`) },
  ];
  const name = row.group.name;
  const excursion = { InstanceIds: [row.id], AutoScalingGroupName: name };
  if (serving) acts.push({ name: "standby", ...group("EnterStandby", "enter-standby", { ...excursion, ShouldDecrementDesiredCapacity: true }, `--instance-ids ${row.id} --auto-scaling-group-name ${name} --should-decrement-desired-capacity`) });
  if (row.lifecycle === "Standby") acts.push({ name: "back", ...group("ExitStandby", "exit-standby", excursion, `--instance-ids ${row.id} --auto-scaling-group-name ${name}`) });
  return acts;
}

export const onMachine = (row) => [
  { name: "kill", danger: true, run: () => post(`/lab/instances/${row.id}/kill`), lines: [`lab kill ${row.id}`] },
];

export function onZone(name, failed) {
  const letter = name.slice(-1);
  return failed
    ? { name: "recover_zone", run: () => post(`/lab/zones/${name}/recover`), lines: [`lab recover zone ${letter}`] }
    : { name: "fail_zone", danger: true, run: () => post(`/lab/zones/${name}/fail`), lines: [`lab fail zone ${letter}`] };
}

/** How fast lab time runs. */
export const onSpeed = (speed) => ({
  name: "set_speed", fields: [["speed", speed]],
  run: (values) => send("PUT", "/lab/speed", values),
  lines: (values) => [`lab speed ${values.speed}`],
});

/** Load from beside the control plane; `urls` are where the host finds the nodes. */
export function onLoad(urls) {
  const path = (values) => (values.work ? `/burn?ms=${values.work}` : "/");
  return {
    run: (values) => post("/lab/load", { rate: values.rate, path: path(values) }),
    line: (values) => `lab load --failover --arrivals poisson --rate ${values.rate} --for 10m ${urls.map((url) => `'${url}${path(values)}'`).join(" ")}`,
  };
}

/** Minimum, desired and maximum size: `values` are read when it is applied. */
export function onCapacity(row) {
  const fields = [["min", row.min], ["desired", row.desired], ["max", row.max]];
  const request = (values) => ({ AutoScalingGroupName: row.name, MinSize: values.min, DesiredCapacity: values.desired, MaxSize: values.max });
  return {
    name: "set_capacity", fields,
    run: (values) => call("autoscaling", "UpdateAutoScalingGroup", request(values)),
    lines: (values) => [aws(`autoscaling update-auto-scaling-group --auto-scaling-group-name ${row.name} --min-size ${values.min} --desired-capacity ${values.desired} --max-size ${values.max}`)],
  };
}

/** The target of a target tracking policy; everything else of the policy stays. */
export function onTarget(row, policy) {
  const configuration = (values) => ({ ...policy.configuration, TargetValue: values.target });
  return {
    name: "set_target", title: t("policy", { name: policy.name }), fields: [["target", policy.target]],
    run: (values) => call("autoscaling", "PutScalingPolicy", { AutoScalingGroupName: row.name, PolicyName: policy.name, PolicyType: "TargetTrackingScaling", TargetTrackingConfiguration: configuration(values) }),
    lines: (values) => [aws(`autoscaling put-scaling-policy --auto-scaling-group-name ${row.name} --policy-name ${policy.name} --policy-type TargetTrackingScaling --target-tracking-configuration '${JSON.stringify(configuration(values))}'`)],
  };
}

const HIGH = 60;
const LOW = 30;
const dimension = (row) => [{ Name: "AutoScalingGroupName", Value: row.name }];

function alarm(row, side, arn) {
  const high = side === "out";
  return {
    AlarmName: `${row.name}-scale-${side}`, Namespace: "AWS/EC2", MetricName: "CPUUtilization", Dimensions: dimension(row), Statistic: "Average",
    Period: 60, EvaluationPeriods: high ? 3 : 15, Threshold: high ? HIGH : LOW, ComparisonOperator: high ? "GreaterThanThreshold" : "LessThanThreshold",
    AlarmActions: [arn],
  };
}

/** What the policies of each type are, out and in; target tracking is one for both. */
const POLICIES = {
  track: () => [["track", { PolicyType: "TargetTrackingScaling", TargetTrackingConfiguration: { PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" }, TargetValue: 50 } }]],
  step: () => [
    ["out", { PolicyType: "StepScaling", AdjustmentType: "ChangeInCapacity", StepAdjustments: [{ MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 20, ScalingAdjustment: 1 }, { MetricIntervalLowerBound: 20, ScalingAdjustment: 2 }] }],
    ["in", { PolicyType: "StepScaling", AdjustmentType: "ChangeInCapacity", StepAdjustments: [{ MetricIntervalUpperBound: 0, ScalingAdjustment: -1 }] }],
  ],
  simple: () => [
    ["out", { PolicyType: "SimpleScaling", AdjustmentType: "ChangeInCapacity", ScalingAdjustment: 1, Cooldown: 300 }],
    ["in", { PolicyType: "SimpleScaling", AdjustmentType: "ChangeInCapacity", ScalingAdjustment: -1, Cooldown: 300 }],
  ],
};
const TYPES = { track: "TargetTrackingScaling", step: "StepScaling", simple: "SimpleScaling" };

async function switchTo(row, kind) {
  const name = { AutoScalingGroupName: row.name };
  // As they are now, which may be newer than what the page shows.
  const { ScalingPolicies: old } = await call("autoscaling", "DescribePolicies", name);
  for (const policy of old) await call("autoscaling", "DeletePolicy", { ...name, PolicyName: policy.PolicyName });
  await call("cloudwatch", "DeleteAlarms", { AlarmNames: ["out", "in"].map((side) => alarm(row, side, "").AlarmName) }).catch(() => null);
  for (const [side, policy] of POLICIES[kind]()) {
    const made = await call("autoscaling", "PutScalingPolicy", { ...name, PolicyName: `${row.name}-${side}`, ...policy });
    if (kind !== "track") await call("cloudwatch", "PutMetricAlarm", alarm(row, side, made.PolicyARN));
  }
}

const flag = (name) => `--${name.replace(/[A-Z]/g, (letter, place) => (place ? "-" : "") + letter.toLowerCase())}`;
const words = (request) => Object.entries(request).map(([name, value]) => `${flag(name)} ${typeof value === "object" ? `'${JSON.stringify(value)}'` : value}`).join(" ");

function switchLines(row, kind) {
  const gone = row.policies.map((policy) => aws(`autoscaling delete-policy --auto-scaling-group-name ${row.name} --policy-name ${policy.name}`));
  const made = POLICIES[kind]().flatMap(([side, policy]) => [
    aws(`autoscaling put-scaling-policy --auto-scaling-group-name ${row.name} --policy-name ${row.name}-${side} ${words(policy)}`),
    ...(kind === "track" ? [] : [aws(`cloudwatch put-metric-alarm ${words(alarm(row, side, "POLICY_ARN"))}`)]),
  ]);
  return [...gone, ...made];
}

/** The types of policy that the group does not have: each takes the place of those it has. */
export const onPolicy = (row) =>
  Object.keys(TYPES).filter((kind) => !row.policies.some((policy) => policy.type === TYPES[kind])).map((kind) => ({ name: kind, run: () => switchTo(row, kind), lines: switchLines(row, kind) }));
