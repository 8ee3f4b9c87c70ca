// How a state looks: a colour (class) and a shape, so that neither has to be seen to know it.

const LOOKS = {
  good: "●", move: "◌", warn: "◑", bad: "▲", calm: "◆", off: "■",
};

const look = (kind, word) => ({ kind, shape: LOOKS[kind], word });

/** An instance: what its lifecycle says first, then what the load balancer says of it. */
export function ofInstance(row) {
  const { lifecycle, target, state } = row;
  if (row.health === "UNHEALTHY" || row.health === "Unhealthy") return look("bad", "Unhealthy");
  if (lifecycle.startsWith("Terminat")) return look("off", lifecycle);
  if (lifecycle.startsWith("Warmed")) return look("calm", lifecycle);
  if (lifecycle === "Standby") return look("calm", lifecycle);
  if (state === "stopped" || state === "terminated") return look("bad", state);
  if (target === "draining") return look("warn", target);
  if (target === "unhealthy") return look("bad", target);
  if (lifecycle !== "InService") return look("move", lifecycle);
  if (target === "initial") return look("move", target);
  return look("good", target || lifecycle);
}

export const ofNode = (row) => look(row.live ? "good" : "bad", row.live ? "" : "no report");
export const ofDatabase = (row) => look({ available: "good", failed: "bad", deleting: "off" }[row.status] ?? "move", row.status);
export const ofAlias = (row) => (row.healthy === null ? look("off", "") : row.healthy ? look("good", "Healthy") : look("bad", "Unhealthy"));
export const ofAlarm = (state) => look({ OK: "good", ALARM: "bad" }[state] ?? "off", state);
export const ofEvent = (event) =>
  event.kind === "alarm"
    ? ofAlarm(event.status)
    : look({ launch: event.status === "Failed" ? "bad" : "move", terminate: "warn", decision: "calm" }[event.kind] ?? "off", event.status);
