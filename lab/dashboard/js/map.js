// The architecture as it is now: Route 53's name, the zones with their load balancer nodes, instances and databases, and the
// ways between them, which move as fast as requests pass.
import { draw, keep, make, say, set } from "./dom.js";
import { ofAlias, ofDatabase, ofInstance, ofNode } from "./states.js";
import { number, span, t } from "./text.js";

const LEAVE = 900;
const MANY = 12; // instances in a zone from which their boxes are small

export class LabMap {
  /** `open(kind, row)` is called when a box is chosen, `zone(name, failed)` when a zone's button is. */
  constructor(root, open, zone) {
    this.open = open;
    this.zone = zone;
    this.edges = draw("svg", { class: "edges", "aria-hidden": "true" });
    this.name = make("div", { class: "name" }, make("b"), make("ul"));
    this.zones = make("div", { class: "zones" });
    root.append(this.edges, this.name, this.zones);
    this.root = root;
    new ResizeObserver(() => this.connect()).observe(root);
  }

  show(lab) {
    this.lab = lab;
    const balancer = lab.load_balancers[0];
    this.showNames(balancer);
    const instances = lab.groups.flatMap((group) => [
      ...group.instances.map((row) => ({ ...row, group })),
      ...(group.warm_pool?.instances ?? []).map((row) => ({ ...row, group })),
    ]);
    const nodes = lab.load_balancers.flatMap((one) => one.nodes);
    const names = [...new Set([...nodes, ...instances, ...lab.databases].map((row) => row.zone))].sort();
    const zones = names.map((name) => ({
      name,
      failed: lab.failed_zones.includes(name),
      nodes: nodes.filter((row) => row.zone === name),
      instances: instances.filter((row) => row.zone === name),
      databases: lab.databases.filter((row) => row.zone === name),
    }));
    keep(this.zones, zones, (zone) => zone.name, (zone) => this.makeZone(zone), (element, zone) => this.updateZone(element, zone));
    this.connect();
  }

  /** Route 53's names for the load balancer: its own, and the records that lead to it with the word of their health checks. */
  showNames(balancer) {
    const [own, aliases] = this.name.children;
    say(own, balancer ? balancer.dns_name : t("load_balancer"));
    keep(aliases, balancer?.aliases ?? [], (one) => `${one.name} ${one.type}`, () => make("li", {}, make("span", { class: "shape", "aria-hidden": "true" }), make("span")), (item, one) => {
      const look = ofAlias(one);
      item.className = look.kind;
      say(item.firstChild, `${look.shape} `);
      say(item.lastChild, [one.name, one.type, one.policy, look.word].filter(Boolean).join(" · "));
    });
  }

  makeZone(zone) {
    const tier = (name) => make("div", { class: `tier ${name}` }, make("span", { class: "subnet", "data-key": "label" }));
    return make(
      "section", { class: "zone", "aria-label": zone.name },
      make("header", {}, make("span"), make("button", { type: "button", onclick: () => this.zone(zone.name, this.lab.failed_zones.includes(zone.name)) })),
      tier("nodes"), tier("instances"), tier("databases"),
    );
  }

  updateZone(element, zone) {
    element.classList.toggle("failed", zone.failed);
    const [title, button] = element.querySelector("header").children;
    say(title, zone.failed ? `${zone.name} – ${t("zone_failed")}` : zone.name);
    say(button, t(zone.failed ? "recover_zone" : "fail_zone"));
    set(button, { class: zone.failed ? null : "danger", "aria-label": t(zone.failed ? "recover_zone_title" : "fail_zone_title", { zone: zone.name }) });
    const tier = (name, rows, fillBox) => {
      const parent = element.querySelector(`.${name}`);
      parent.classList.toggle("many", rows.length > MANY);
      const label = parent.querySelector(".subnet");
      const places = [...new Set(rows.map((row) => row.subnet).filter(Boolean))];
      const groups = [...new Set(rows.flatMap((row) => row.security_groups ?? []))];
      say(label, places.length ? `${places.join(", ")} · ${groups.join(", ")}` : "");
      const boxes = rows.map((row) => ({ row, label: false }));
      keep(parent, [{ label }, ...boxes], (one) => one.row?.id ?? "label", () => this.makeBox(name), (box, one) => one.row && fillBox(box, one.row), LEAVE);
    };
    tier("nodes", zone.nodes, (box, row) => this.fillNode(box, row));
    tier("instances", zone.instances, (box, row) => this.fillInstance(box, row));
    tier("databases", zone.databases, (box, row) => this.fillDatabase(box, row));
  }

  makeBox(tier) {
    const kind = tier.slice(0, -1);
    const box = make(
      "button", { type: "button", class: `box ${kind}` },
      make("div", { class: "row" }, make("span", {}, make("span", { class: "shape", "aria-hidden": "true" }), " ", make("b")), make("span", { class: "quiet" })),
      make("div", { class: "row quiet" }, make("span"), make("span")),
    );
    if (kind === "instance") box.append(make("div", { class: "bar" }, make("i"), make("b")));
    box.addEventListener("click", () => this.open(kind, box.row));
    return box;
  }

  fillBox(box, row, kind, look, title, right, left2, right2) {
    box.row = row;
    box.className = `box ${kind} ${look.kind}`;
    const [first, second] = box.children;
    say(first.querySelector(".shape"), look.shape);
    say(first.querySelector("b"), title);
    say(first.lastChild, right);
    say(second.firstChild, left2);
    say(second.lastChild, right2);
    set(box, { "aria-label": [title, look.word, right, left2, right2].filter(Boolean).join(", ") });
  }

  fillNode(box, row) {
    const look = ofNode(row);
    this.fillBox(box, row, "node", look, `ALB ${row.zone.slice(-1)}`, t("per_second", { rate: number(row.rate) }), look.word || t("connections", { n: row.connections }), "");
  }

  fillInstance(box, row) {
    const look = ofInstance(row);
    const cpu = row.cpu === null ? "" : `${number(row.cpu)} %`;
    this.fillBox(box, row, "instance", look, row.id.slice(0, 8), span(row.age), look.word, row.rate ? t("per_second", { rate: number(row.rate) }) : cpu);
    const [bar, target] = box.querySelector(".bar").children;
    const goal = row.group.policies.find((policy) => policy.target !== null && policy.metric.includes("CPU"))?.target;
    bar.style.width = `${Math.min(100, row.cpu ?? 0)}%`;
    target.hidden = goal === undefined;
    target.style.left = `${goal}%`;
    bar.parentElement.classList.toggle("over", goal !== undefined && row.cpu > goal);
  }

  fillDatabase(box, row) {
    const look = ofDatabase(row);
    this.fillBox(box, row, "database", look, row.id, "", look.word, "PostgreSQL");
  }

  /** Lines between the boxes that are on the page now. */
  connect() {
    if (!this.lab) return;
    const frame = this.root.getBoundingClientRect();
    const at = (element, edge) => {
      const box = element.getBoundingClientRect();
      return { x: box.left + box.width / 2 - frame.left, y: (edge === "top" ? box.top : box.bottom) - frame.top };
    };
    const boxes = (kind) => [...this.zones.querySelectorAll(`.box.${kind}:not(.leaving)`)];
    const ways = [];
    const way = (from, to, rate) => ways.push({ key: `${from.dataset.key ?? "name"}-${to.dataset.key}`, a: at(from, "bottom"), b: at(to, "top"), rate });
    const nodes = boxes("node").filter((box) => box.row);
    for (const node of nodes) {
      way(this.name, node, node.row.rate);
      for (const instance of boxes("instance")) if (instance.row?.target) way(node, instance, instance.row.rate / nodes.length);
    }
    for (const instance of boxes("instance")) {
      for (const database of boxes("database")) if (instance.row?.target === "healthy") way(instance, database, instance.row.rate);
    }
    keep(this.edges, ways, (one) => one.key, () => draw("path"), (path, one) => {
      const half = (one.a.y + one.b.y) / 2;
      const seconds = one.rate > 0 ? Math.max(0.25, 2 / Math.log2(one.rate + 2)) : 0;
      set(path, { d: `M${one.a.x} ${one.a.y}C${one.a.x} ${half} ${one.b.x} ${half} ${one.b.x} ${one.b.y}`, class: seconds ? "edge busy" : "edge" });
      // Another duration begins the animation anew: only a change that can be seen is worth that.
      const shown = `${seconds.toFixed(1)}s`;
      if (path.style.animationDuration !== shown) path.style.animationDuration = shown;
    });
  }
}
