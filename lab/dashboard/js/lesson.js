// Class mode (/?class): what the projector shows. The question of the drill that is under way, how long it is open, and in
// the end the answer; nothing on the page does anything.
import { keep, make, say } from "./dom.js";
import { current, t } from "./text.js";

const EVERY = 1000;

export const isClass = new URLSearchParams(location.search).has("class");

const two = (value) => String(value).padStart(2, "0");

/** Ask for the lesson, again and again; while nobody answers, what is shown stays. */
export function lesson(box) {
  if (!isClass) return;
  document.body.classList.add("class");
  box.hidden = false;
  box.append(make("h2"), make("p", { class: "question" }), make("p", { class: "timer", role: "timer" }), make("ul"));
  let known = null;
  async function look() {
    try {
      known = await (await fetch("/lab/class")).json();
    } catch {
      // The control plane is away, which may be the lesson.
    }
    show(box, known);
  }
  setInterval(look, EVERY);
  look();
}

function show(box, known) {
  const [title, question, timer, answer] = box.children;
  const words = known?.words[current()] ?? known?.words.en;
  const seconds = known ? Math.max(0, Math.round(Date.now() / 1000 - known.since)) : 0;
  box.dataset.phase = known?.phase ?? "none";
  say(title, words?.title ?? t("class_none"));
  say(question, words?.question ?? "");
  say(timer, known ? `${t(`class_${known.phase}`)} ${Math.floor(seconds / 60)}:${two(seconds % 60)}` : "");
  keep(answer, known?.answer ?? [], (line) => line, () => make("li"), say);
}
