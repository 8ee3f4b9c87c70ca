// The one dialog: what a thing is, why something happened, and what can be done, each act with its command lines.
import { make } from "./dom.js";
import { isClass } from "./lesson.js";
import { clock, span, t } from "./text.js";

export class Panel {
  /** `tell(text, failed)` announces how an act went. */
  constructor(dialog, tell) {
    this.dialog = dialog;
    this.tell = tell;
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open(title, facts, acts = [], story = []) {
    this.dialog.replaceChildren(
      make("button", { type: "button", class: "close", onclick: () => this.dialog.close() }, t("close")),
      make("h3", { id: "panel-title" }, title),
      ...story.map((text) => make("p", {}, text)),
      make("dl", { class: "facts" }, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, String(value))])),
      ...(isClass ? [] : [make("div", { class: "acts" }, ...acts.map((act) => this.act(act)))]),
    );
    if (!this.dialog.open) this.dialog.showModal();
  }

  event(event) {
    const facts = [[t("state"), event.status], ["", `${clock(event.at)}${event.end ? ` – ${clock(event.end)} (${span(event.end - event.at)})` : ""}`]];
    this.open(event.title, facts, [], event.story);
  }

  act(act) {
    const fields = Object.fromEntries((act.fields ?? []).map(([name, value]) => [name, make("input", { type: "number", min: "0", step: "any", value, name, "aria-label": t(name) })]));
    const values = () => Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, Number(input.value)]));
    const lines = make("code", { class: "lines" });
    const show = () => lines.replaceChildren(typeof act.lines === "function" ? act.lines(values()).join("\n") : act.lines.join("\n"));
    for (const input of Object.values(fields)) input.addEventListener("input", show);
    show();
    const label = act.fields ? t("apply") : t(act.name);
    const button = make("button", { type: "button", class: act.danger ? "danger" : null, "data-act": act.name, onclick: () => this.run(act, values()) }, label);
    return make(
      "div", { class: "act" },
      make("header", {}, ...(act.fields ? [make("b", {}, act.title ?? t(act.name)), ...Object.entries(fields).map(([name, input]) => make("label", {}, `${t(name)} `, input))] : []), button),
      make("p", {}, t(`${act.name}_text`)),
      make("p", {}, t("same_as")), lines,
    );
  }

  async run(act, values) {
    try {
      await act.run(values);
      this.dialog.close();
      this.tell(t("done", { what: act.title ?? t(act.name) }), false);
    } catch (error) {
      this.tell(t("failed", { why: error.message }), true);
    }
  }
}
