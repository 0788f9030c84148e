// What several views are made of.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number, reward, ago } from "./words.js";
import { Text } from "./text.js";
import { link } from "./route.js";

export const LIMIT = 0.6;
const place = (value) => 50 + (50 * Math.max(-LIMIT, Math.min(LIMIT, value))) / LIMIT;
const hundred = (value) => number(Math.abs(value) * 100);

// "22 more of 100", "17 to 27 more"
export function effectWords({ mean, low, high }) {
  const main = t(mean < 0 ? "{n} fewer of 100" : "{n} more of 100", { n: hundred(mean) });
  const [a, b] = high <= 0 ? [high, low] : [low, high];
  const span = low >= 0 ? "{a} to {b} more" : high <= 0 ? "{a} to {b} fewer" : "{a} fewer to {b} more";
  return { main, span: t(span, { a: hundred(a), b: hundred(b) }) };
}

// A dot with its interval on one scale for all lessons; hollow where serving has not measured it.
export function Forest({ effect }) {
  if (!effect) return html`<div class="forest none" aria-hidden="true"></div>`;
  const { mean, low, high, source } = effect;
  const kind = low > 0 ? "good" : high < 0 ? "bad" : "open";
  return html`<div class=${`forest ${kind} ${source}`} aria-hidden="true">
    <span class="span" style=${{ left: place(low) + "%", width: place(high) - place(low) + "%" }}></span>
    <span class="dot" style=${{ left: place(mean) + "%" }}></span>
    ${low < -LIMIT && html`<span class="arrow left">‹</span>`}${high > LIMIT && html`<span class="arrow right">›</span>`}
  </div>`;
}

// What an operation did.
export const DID = { ADD: "added", MODIFY: "changed", MERGE: "merged", DELETE: "retired", KEEP: "kept", PIN: "pinned", UNPIN: "unpinned" };

const SIGNS = { active: "✓", candidate: "?", retired: "✗", waiting: "…" };

export function Status({ status }) {
  return html`<span class=${"chip " + status}>${SIGNS[status] || ""} ${t(status)}</span>`;
}

export const Pinned = () => html`<span class="chip pinned" title=${t("Only people change or retire it.")}>◆ ${t("pinned")}</span>`;

export function standing(lesson) {
  const words = { helps: t("measured: helps"), harms: t("measured: harms"), little: t("measured: little difference") };
  return words[lesson.standing] || (lesson.analyst === "person" ? t("written by a person") : t(LEARNED[lesson.learned]));
}
const LEARNED = {
  A: "served as learned",
  B: "seen once, served as learned",
  C: "of unknown origin",
  D: "in doubt",
};

export function Reward({ value, source }) {
  const kind = value === null || value === undefined ? "none" : value >= 0.75 ? "high" : value >= 0.4 ? "mid" : "low";
  return html`<span class=${"reward " + kind} title=${source ? t("by {source}", { source: t(source) }) : t("no reward yet")}>${reward(value)}</span>`;
}

export function When({ at, now }) {
  return html`<time title=${new Date(at * 1000).toLocaleString()}>${ago(at, now)}</time>`;
}

export function LessonLink({ id, children }) {
  return html`<a href=${link("lesson", id)}>${children || id}</a>`;
}

export function AttemptLink({ id }) {
  return html`<a class="mono" href=${link("attempt", id)} title=${id}>${"…" + id.slice(-6)}</a>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><p class="title">${title}</p>${children}</div>`;
}

export function Waiting({ found }) {
  if (found.problem) return html`<${Trouble} problem=${found.problem} />`;
  return html`<div class="loading" role="status"><span class="bar"></span><span class="bar short"></span><span class="sr">${t("loading")}</span></div>`;
}

export function Trouble({ problem }) {
  const said = problem.kind === "gone" ? t("The server does not answer. Run `explib ui` again.") : problem.message;
  return html`<p class="trouble" role="alert"><${Text} text=${said || t("Not allowed with this key.")} /></p>`;
}

// Own dialogs: clients' frames have none.
export function Dialog({ title, close, children }) {
  const box = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    const first = box.current.querySelector("textarea, input, select, button");
    if (first) first.focus();
    return () => before && before.focus && before.focus();
  }, []);
  const keys = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    if (event.key !== "Tab") return;
    const all = [...box.current.querySelectorAll("a, button, input, textarea, select")].filter((each) => !each.disabled);
    const edge = event.shiftKey ? all[0] : all[all.length - 1];
    if (document.activeElement === edge) {
      event.preventDefault();
      (event.shiftKey ? all[all.length - 1] : all[0]).focus();
    }
  };
  return html`<div class="veil" onClick=${(event) => event.target === event.currentTarget && close()}>
    <div class="dialog" role="dialog" aria-modal="true" aria-label=${title} ref=${box} onKeyDown=${keys}>
      <h2>${title}</h2>${children}
    </div></div>`;
}

export function useAct() {
  const [state, setState] = useState({ busy: false, problem: null });
  const act = async (work) => {
    setState({ busy: true, problem: null });
    try {
      const done = await work();
      setState({ busy: false, problem: null });
      return done === undefined ? true : done;
    } catch (problem) {
      setState({ busy: false, problem });
      return null;
    }
  };
  return [state, act];
}

// Keys of a view: {a: act}. Not while something is being typed.
export function useKeys(keys) {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const act = current.current[event.key];
      if (act && act(event) !== false) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}

export const typing = (element) => /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

export function copy(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "offscreen";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}
