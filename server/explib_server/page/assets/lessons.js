// Lessons: a long list in a window of fixed-height rows, searched and filtered where the data is.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number } from "./words.js";
import { read, framed } from "./door.js";
import { useTick, withLibrary } from "./reading.js";
import { Text } from "./text.js";
import { Empty, Forest, Pinned, Status, Trouble, Waiting, effectWords, standing, useKeys } from "./parts.js";
import { go, link } from "./route.js";

const PAGE = 100;
const SHOWS = { "": "in use", active: "active", candidate: "candidate", helps: "helps", harms: "harms", unknown: "not known", pinned: "pinned", retired: "retired" };
const SORTS = { "": "strongest", newest: "newest", oldest: "oldest", lift: "measured", served: "most served" };

export function Lessons({ at }) {
  const filters = { query: at.query || "", show: at.show || "", sort: at.sort || "" };
  const key = JSON.stringify([filters, at.library]);
  const [list, setList] = useState({ key: "", total: 0, pages: {}, counts: {}, problem: null });
  const tick = useTick();
  const asked = useRef(new Set());
  const current = useRef(key);
  current.current = key;

  const load = useCallback((page, fresh) => {
    if (!fresh && asked.current.has(page)) return;
    asked.current.add(page);
    read("lessons", withLibrary({ ...filters, after: String(page * PAGE), limit: PAGE })).then(
      (data) => current.current === key && setList((old) => ({
        key, total: data.total, counts: data.counts, revision: data.revision, problem: null,
        pages: { ...(old.key === key ? old.pages : {}), [page]: data.lessons },
      })),
      (problem) => current.current === key && setList((old) => ({ ...old, key, problem })),
    );
  }, [key]);
  useEffect(() => {
    asked.current = new Set();
    load(0, true);
  }, [key, tick]);

  const change = (more) => go(link("lessons", "", { ...filters, ...more }), true);
  return html`<h1 class="sr">${t("Lessons")}</h1><div class="tools">
      <${Search} value=${filters.query} change=${(query) => change({ query })} label=${t("Search lessons")} />
      <label><span class="sr">${t("Show")}</span><select value=${filters.show} onChange=${(event) => change({ show: event.target.value })}>
        ${Object.entries(SHOWS).map(([show, words]) => html`<option value=${show}>${t(words)}${list.counts[show] === undefined ? "" : ` (${number(list.counts[show])})`}</option>`)}</select></label>
      <label><span class="sr">${t("Order")}</span><select value=${filters.sort} onChange=${(event) => change({ sort: event.target.value })}>
        ${Object.entries(SORTS).map(([sort, words]) => html`<option value=${sort}>${t(words)}</option>`)}</select></label>
      <span class="soft total" role="status">${list.key ? t("{n|lesson|lessons}", { n: list.total }) : ""}</span>
    </div>
    ${list.problem ? html`<${Trouble} problem=${list.problem} />`
      : !list.key ? html`<${Waiting} found=${{}} />`
      : list.total ? html`<${Window} key=${list.key} list=${list} load=${load} />`
      : filters.query || filters.show ? html`<${Empty} title=${t("No lesson is like that.")}><button onClick=${() => change({ query: "", show: "" })}>${t("Show all")}</button><//>`
      : html`<${Empty} title=${t("No lessons yet")}><p><a href=${link("learner")}>${t("What the learner waits for")}</a></p><//>`}`;
}

export function Search({ value, change, label }) {
  const [typed, setTyped] = useState(value);
  const timer = useRef(0);
  useEffect(() => setTyped(value), [value]);
  const input = (event) => {
    setTyped(event.target.value);
    clearTimeout(timer.current);
    if (!event.isComposing) timer.current = setTimeout(() => change(event.target.value), 150);
  };
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // browsers would empty it
    event.target.blur();
  };
  return html`<label class="search"><span class="sr">${label}</span><input type="search" id="search" placeholder=${label} value=${typed}
    onInput=${input} onCompositionEnd=${input} onKeyDown=${leave} /></label>`;
}

function Window({ list, load }) {
  const box = useRef(null);
  const [top, setTop] = useState(0);
  const [narrow, setNarrow] = useState(window.innerWidth < 640);
  const [chosen, setChosen] = useState(0);
  const row = narrow ? 118 : 72;
  const room = framed ? 520 : Math.max(360, window.innerHeight - 250);
  const height = Math.min(list.total * row, room);
  const first = Math.max(0, Math.floor(top / row) - 3);
  const last = Math.min(list.total, Math.ceil((top + height) / row) + 3);
  useEffect(() => {
    const resized = () => setNarrow(window.innerWidth < 640);
    window.addEventListener("resize", resized);
    return () => window.removeEventListener("resize", resized);
  }, []);
  useEffect(() => {
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page++) load(page);
  }, [first, last, load]);
  const at = (index) => (list.pages[Math.floor(index / PAGE)] || [])[index % PAGE];
  const move = (index) => {
    const next = Math.max(0, Math.min(list.total - 1, index));
    setChosen(next);
    const element = box.current;
    if (next * row < element.scrollTop) element.scrollTop = next * row;
    if ((next + 1) * row > element.scrollTop + height) element.scrollTop = (next + 1) * row - height;
  };
  const openChosen = () => at(chosen) && go(link("lesson", at(chosen).id));
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: Math.floor(height / row), PageUp: -Math.floor(height / row), Home: -list.total, End: list.total };
  const pressed = (event) => {
    if (event.key === "Enter") openChosen();
    else if (steps[event.key]) move(chosen + steps[event.key]);
    else return;
    event.preventDefault();
  };
  useKeys({ j: () => move(chosen + 1), k: () => move(chosen - 1), Enter: (event) => (event.target === document.body ? openChosen() : false) });
  const rows = [];
  for (let index = first; index < last; index++) rows.push(html`<${Row} key=${index} lesson=${at(index)} index=${index} total=${list.total} top=${index * row} height=${row} chosen=${index === chosen} choose=${setChosen} />`);
  return html`<div class="window" ref=${box} tabindex="0" role="listbox" aria-label=${t("Lessons")} aria-activedescendant=${"row-" + chosen}
      style=${{ height: height + "px" }} onScroll=${(event) => setTop(event.currentTarget.scrollTop)} onKeyDown=${pressed}>
    <div class="all" role="presentation" style=${{ height: list.total * row + "px" }}>${rows}</div></div>
    <p class="legend soft" aria-hidden="true"><span><span class="forest measured good"><span class="dot"></span></span>${t("measured by serving")}</span><span><span class="forest attempts good"><span class="dot"></span></span>${t("seen in the attempts it was learned from")}</span></p>`;
}

function Row({ lesson, index, total, top, height, chosen, choose }) {
  const place = { top: top + "px", height: height + "px" };
  const shared = { role: "option", id: "row-" + index, "aria-selected": chosen, "aria-posinset": index + 1, "aria-setsize": total };
  if (!lesson) return html`<div class="row" style=${place} ...${shared}>…</div>`;
  const words = lesson.effect && effectWords(lesson.effect);
  return html`<div class=${"row" + (chosen ? " chosen" : "")} style=${place} ...${shared}
      onClick=${() => { choose(index); go(link("lesson", lesson.id)); }}>
    <span class="what"><${Text} text=${lesson.content} code /></span>
    <span class="signs"><span class="mono soft">${lesson.id}</span> <${Status} status=${lesson.status} />${lesson.pinned && html` <${Pinned} />`}
      <span class="soft">${lesson.served ? t("served {n|time|times}", { n: lesson.served }) : standing(lesson)}</span></span>
    <${Forest} effect=${lesson.effect} />
    <span class="numbers">${words ? html`<b>${words.main}</b><span class="soft">${words.span}</span>` : html`<span class="soft">? ${t("not known")}</span>`}</span></div>`;
}
