// Words, numbers and times in the reader's language. English is the key; other words are read when they are needed.
import { read } from "./door.js";

const LANGUAGE = "explib.language";
const state = { locale: "en", words: null };

export async function speak(locale) {
  let chosen = locale || navigator.language || "en";
  try {
    chosen = localStorage.getItem(LANGUAGE) || chosen;
  } catch {} // a client's frame may have no storage
  const japanese = chosen.startsWith("ja");
  state.words = japanese ? (await read("words", { id: "ja" })).words : null;
  state.locale = chosen;
  document.documentElement.lang = japanese ? "ja" : "en";
}

export function prefer(locale) {
  try {
    localStorage.setItem(LANGUAGE, locale);
  } catch {}
  return speak(locale);
}

export const isJapanese = () => state.words !== null;
const locale = () => (isJapanese() ? "ja" : state.locale.startsWith("en") ? state.locale : "en");

// t("{n|lesson|lessons} from {m}", {n: 2, m: "x"}): a number with its noun, or a value.
export function t(text, values) {
  const said = (state.words && state.words[text]) || text;
  return said.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, many) => {
    const value = values[name];
    const shown = typeof value === "number" ? number(value) : value;
    return one === undefined ? shown : `${shown} ${value === 1 ? one : many}`;
  });
}

// A whole sentence of the server's, where its words are known; with values in it it stays English.
export const said = (sentence) => (state.words && Object.hasOwn(state.words, sentence) ? state.words[sentence] : sentence);

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const reward = (value) =>
  value === null || value === undefined ? "–" : new Intl.NumberFormat(locale(), { maximumFractionDigits: 2 }).format(value);

export const money = (usd) =>
  usd === null ? t("price not known") : new Intl.NumberFormat(locale(), { style: "currency", currency: "USD", maximumFractionDigits: usd && usd < 0.1 ? 4 : 2 }).format(usd);

const UNITS = [[60, 1, "second"], [3600, 60, "minute"], [86400, 3600, "hour"], [14 * 86400, 86400, "day"]];

export function ago(at, now) {
  if (at === null || at === undefined) return t("never");
  const passed = Math.max(0, (now || Date.now() / 1000) - at);
  if (passed < 45) return t("just now");
  const unit = UNITS.find(([below]) => passed < below);
  if (!unit) return day(at);
  return new Intl.RelativeTimeFormat(locale(), { numeric: "auto" }).format(-Math.round(passed / unit[1]), unit[2]);
}

export const day = (at) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(at * 1000);
export const shortDay = (at) => new Intl.DateTimeFormat(locale(), { month: "short", day: "numeric" }).format(at * 1000);
export const time = (at) => new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(at * 1000);
export const whole = (at) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(at * 1000);
