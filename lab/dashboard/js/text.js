// What the page says: one catalogue for each language, the browser's preferred one first.
import en from "../text/en.js";
import ko from "../text/ko.js";

export const catalogues = { en, ko };
const KEPT = "asg-lab-language";

function preferred() {
  const kept = localStorage.getItem(KEPT);
  if (kept in catalogues) return kept;
  return navigator.languages.map((name) => name.slice(0, 2)).find((name) => name in catalogues) ?? "en";
}

let language = preferred();

export const current = () => language;

export function choose(name) {
  language = name;
  localStorage.setItem(KEPT, name);
}

/** The text of `key` with its `{places}` filled in. */
export function t(key, values = {}) {
  return catalogues[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });

/** Lab time as the clock of the day, UTC, as AWS's console shows activities. */
export const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);

export function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)}s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}m`;
  return `${(seconds / 3600).toFixed(1)}h`;
}

const TRACKED = /TargetTracking-(\S*)-(AlarmHigh|AlarmLow)-[0-9a-f-]{36}/g;

/** Names that AWS makes for target tracking's alarms are long: what tells them apart is enough here. */
export const brief = (name) => name.replace(TRACKED, "$2 ($1)");
