// The page: what the feed tells, shown; what is chosen, explained.
import { onCapacity, onInstance, onLoad, onMachine, onPolicy, onSpeed, onTarget, onZone } from "./acts.js";
import { Charts } from "./charts.js";
import { keep, make, say } from "./dom.js";
import { listen } from "./feed.js";
import { lesson } from "./lesson.js";
import { LabMap } from "./map.js";
import { Panel } from "./panel.js";
import { ofAlarm, ofEvent } from "./states.js";
import { brief, catalogues, choose, clock, current, number, t } from "./text.js";

const KEPT_POINTS = 600;
const SHOWN_EVENTS = 60;
const THEME = "asg-lab-theme";
const at = (id) => document.getElementById(id);

const known = { points: [], events: new Map(), lab: null, connection: "connecting", group: "" };

/** The Auto Scaling group that the charts and figures are of: the chosen one, else the first. */
const chosen = () => known.lab?.groups.find((group) => group.name === known.group) ?? known.lab?.groups[0];

const panel = new Panel(at("panel"), announce);
const map = new LabMap(at("map"), openBox, openZone);
const charts = new Charts(at("plots"), (id) => panel.event(known.events.get(id)));

function announce(text, failed) {
  const notice = at("notice");
  notice.hidden = false;
  notice.style.setProperty("--bad", failed ? "" : "var(--good)");
  say(notice, text);
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => (notice.hidden = true), 8000);
}

function openBox(kind, row) {
  if (kind === "instance") {
    const facts = [[t("state"), `${row.state} · ${row.lifecycle}`], [t("health"), [row.target, row.target_reason].filter(Boolean).join(": ")], [t("zone"), row.zone], [t("address"), row.address], [t("version"), row.version]];
    panel.open(t("instance", { id: row.id }), facts, onInstance(row));
  } else {
    const title = kind === "node" ? t("node", { id: row.id }) : `${t("database")} ${row.id}`;
    panel.open(title, [[t("zone"), row.zone], [t("address"), row.address ?? row.endpoint], [t("state"), row.status], [t("reason"), row.reason]], onMachine({ id: row.machine ?? row.id }));
  }
}

function openZone(name, failed) {
  const act = onZone(name, failed);
  panel.open(t(`${act.name}_title`, { zone: name }), [], [act]);
}

function openGroup() {
  const group = chosen();
  if (!group) return;
  const targets = group.policies.filter((policy) => policy.target !== null).map((policy) => onTarget(group, policy));
  panel.open(t("group", { name: group.name }), group.policies.map((policy) => [policy.name, policy.type]), [onCapacity(group), ...targets, ...onPolicy(group)]);
}

function openSpeed() {
  if (known.lab) panel.open(t("lab_time", { speed: known.lab.speed }), [], [onSpeed(known.lab.speed)]);
}

function showFigures(lab) {
  const point = known.points.at(-1);
  const rates = Object.values(point?.rates ?? {}).reduce((sum, rate) => sum + rate, 0);
  const group = chosen();
  const serving = group?.instances.filter((row) => row.lifecycle === "InService").length;
  const figures = [
    ["in_service", group ? `${serving} / ${group.desired}` : "–"],
    ["rate", number(rates)],
    ["p99", point?.p99 == null ? "–" : `${number(point.p99)} ms`],
    ["errors", rates ? `${number(((point.rates["5xx"] ?? 0) / rates) * 100, 1)} %` : "–"],
    ["cpu", group?.cpu == null ? "–" : `${number(group.cpu)} %`],
    ["lab_time", clock(lab.now)],
  ];
  keep(at("figures"), figures, ([name]) => name, () => make("div", {}, make("dd"), make("dt")), (element, [name, value]) => {
    say(element.firstChild, value);
    say(element.lastChild, t(name, { speed: lab.speed }));
  });
}

function showEvents() {
  const newest = [...known.events.values()].sort((one, other) => other.at - one.at || (other.id > one.id ? 1 : -1)).slice(0, SHOWN_EVENTS);
  const rows = newest.length ? newest : [null];
  keep(at("log"), rows, (event) => event?.id ?? "none", (event) => {
    if (!event) return make("li");
    const button = make("button", { type: "button", onclick: () => panel.event(known.events.get(event.id)) }, make("time"), make("span", { class: "kind" }), make("span"));
    return make("li", {}, button);
  }, (item, event) => {
    if (!event) return say(item, t("nothing_yet"));
    const look = ofEvent(event);
    item.className = look.kind;
    const [time, kind, title] = item.firstChild.children;
    say(time, clock(event.at));
    say(kind, `${look.shape} ${t(event.kind)}`);
    say(title, brief(event.title));
  });
}

function showAlarms(alarms) {
  const rows = alarms.length ? alarms : [null];
  keep(at("alarm-list"), rows, (alarm) => alarm?.name ?? "none", (alarm) => {
    if (!alarm) return make("li");
    const item = make("li");
    item.append(make("button", { type: "button", onclick: () => panel.open(item.alarm.name, [[t("state"), item.alarm.state], ["", item.alarm.condition]], [], [item.alarm.reason]) }, make("span"), make("span", { class: "badge" }), make("span", { class: "condition" })));
    return item;
  }, (item, alarm) => {
    if (!alarm) return say(item, t("no_alarms"));
    const look = ofAlarm(alarm.state);
    item.alarm = alarm;
    item.className = look.kind;
    const [name, badge, condition] = item.firstChild.children;
    say(name, brief(alarm.name));
    name.title = alarm.name;
    say(badge, `${look.shape} ${look.word}`);
    say(condition, alarm.condition);
  });
}

const slider = make("input", { type: "range", min: "0", max: "400", step: "5", value: "0", id: "rate", oninput: () => showLoad(), onchange: () => applyLoad() });
const work = make("select", { id: "work", onchange: () => applyLoad() }, ...[0, 5, 10, 20, 50].map((value) => make("option", { value, selected: value === 10 }, `${value} ms CPU`)));
const loadFacts = make("output", { for: "rate" });
const loadLine = make("code");
const wantedLoad = () => ({ rate: Number(slider.value), work: Number(work.value) });
const nodeUrls = () => (known.lab?.load_balancers[0]?.nodes ?? []).map((node) => node.urls.find((url) => url.startsWith("http:"))).filter(Boolean);

async function applyLoad() {
  try {
    await onLoad(nodeUrls()).run(wantedLoad());
  } catch (error) {
    announce(t("failed", { why: error.message }), true);
  }
}

function showLoad() {
  const wanted = wantedLoad();
  const load = known.lab?.load ?? { asked: 0 };
  say(loadFacts, t("load_facts", { asked: wanted.rate, rate: number(load.rate ?? 0), failed: number(load.failed ?? 0) }));
  say(loadLine, wanted.rate ? onLoad(nodeUrls()).line(wanted) : "");
  slider.setAttribute("aria-label", t("load"));
  work.setAttribute("aria-label", t("load_work"));
}

function show() {
  document.documentElement.lang = current();
  for (const element of document.querySelectorAll("[data-text]")) say(element, t(element.dataset.text));
  const connection = at("connection");
  connection.className = known.connection;
  say(connection, t({ live: "connected", away: "reconnecting" }[known.connection] ?? "connecting"));
  const lab = known.lab;
  if (!lab) return;
  say(at("stack"), lab.stacks.map((stack) => stack.name).join(", "));
  if (lab.engine_problem) announce(t("engine_problem", { why: lab.engine_problem }), true);
  showFigures(lab);
  if (document.activeElement !== slider) slider.value = lab.load.asked;
  showLoad();
  map.show(lab);
  charts.show(known.points, [...known.events.values()], lab, chosen());
  showGroups(lab.groups);
  showEvents();
  showAlarms(lab.alarms);
}

function hear(message) {
  known.lab = message.lab;
  if (message.type === "init") {
    known.points = message.points;
    known.events = new Map();
  } else {
    known.points.push(message.point);
    if (known.points.length > KEPT_POINTS) known.points.shift();
  }
  for (const event of message.events) known.events.set(event.id, event);
  show();
}

function tell(connection) {
  if (known.connection === connection) return;
  known.connection = connection;
  show();
}

function dress(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem(THEME, theme);
}

/** With more than one group, which of them the charts are of can be chosen. */
function showGroups(groups) {
  const select = at("group");
  select.hidden = groups.length < 2;
  keep(select, groups, (group) => group.name, (group) => make("option", { value: group.name }), (option, group) => say(option, group.name));
  if (document.activeElement !== select) select.value = chosen()?.name ?? "";
}

function showSettings() {
  const theme = localStorage.getItem(THEME) ?? "auto";
  const options = (names, chosen, word) => names.map((name) => make("option", { value: name, selected: name === chosen }, word(name)));
  at("settings").replaceChildren(
    make("button", { type: "button", id: "group-button", onclick: openGroup }, t("set_capacity")),
    make("button", { type: "button", id: "speed-button", onclick: openSpeed }, t("set_speed")),
    make("select", { id: "group", hidden: true, "aria-label": t("which_group"), onchange: (event) => { known.group = event.target.value; show(); } }),
    make("label", {}, make("input", { type: "checkbox", id: "layers", onchange: (event) => at("map").classList.toggle("layers", event.target.checked) }), ` ${t("layers")}`),
    make("select", { "aria-label": t("theme"), onchange: (event) => dress(event.target.value) }, ...options(["auto", "dark", "light"], theme, (name) => t(`theme_${name}`))),
    make("select", { id: "language", "aria-label": "language", onchange: (event) => { choose(event.target.value); showSettings(); show(); } }, ...options(Object.keys(catalogues), current(), (name) => catalogues[name].language)),
  );
}

at("load").append(make("label", { for: "rate", "data-text": "load" }), slider, work, loadFacts, loadLine);
dress(localStorage.getItem(THEME) ?? "auto");
showSettings();
show();
lesson(at("lesson"));
listen(hear, tell);
