// The shell: views, keys, what is new, and how the page is opened.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Problem, framed, fullScreen, listen, open, read, useKey } from "./door.js";
import { isJapanese, number, prefer, speak, t } from "./words.js";
import { ahead, refresh, useTick, withLibrary } from "./reading.js";
import { Dialog, Trouble, typing, useKeys } from "./parts.js";
import { go, link, onRoute, route } from "./route.js";
import { Week } from "./week.js";
import { Lessons } from "./lessons.js";
import { Lesson } from "./lesson.js";
import { PendingBar, Review, flush } from "./review.js";
import { History } from "./history.js";
import { Learner } from "./learner.js";
import { Attempt, Attempts } from "./attempts.js";

const VIEWS = { week: Week, lessons: Lessons, lesson: Lesson, review: Review, history: History, learner: Learner, attempts: Attempts, attempt: Attempt };
const NAV = [["week", "This week", "w"], ["lessons", "Lessons", "l"], ["review", "Review", "r"], ["history", "History", "h"], ["learner", "Learner", "e"], ["attempts", "Attempts", "a"]];
const WITHIN = { lesson: "lessons", attempt: "attempts" };
const LIVE = new Set(["week", "learner"]);

function Page({ trouble }) {
  const [at, setAt] = useState(route());
  const [around, setAround] = useState(null);
  const [problem, setProblem] = useState(trouble);
  const [news, setNews] = useState(0);
  const [help, setHelp] = useState(false);
  const tick = useTick();
  const seen = useRef({ revision: null, at });
  seen.current.at = at;
  const main = useRef(null);

  const look = (why) => read("around", withLibrary({})).then((data) => {
    const before = seen.current.revision;
    seen.current.revision = data.revision;
    setProblem(null);
    setAround(data);
    if (before === null || (before === data.revision && why !== "poll")) return;
    if (LIVE.has(seen.current.at.view)) refresh();
    else if (data.revision > before) setNews((known) => known + data.revision - before);
  }, setProblem);

  useEffect(() => {
    onRoute(() => {
      const next = route();
      const moved = next.view !== seen.current.at.view || next.id !== seen.current.at.id;
      setAt(next);
      if (!moved) return;
      if (main.current) main.current.focus();
      window.scrollTo(0, 0);
    });
    listen(() => "experience://" + ((seen.current.around && seen.current.around.library) || "default"), look);
  }, []);
  seen.current.around = around;
  useEffect(() => {
    if (trouble) return;
    seen.current.revision = null;
    setNews(0);
    look();
  }, [tick, at.library]);

  useEffect(() => {
    const here = document.querySelector("nav [aria-current]");
    if (here) here.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  const reread = () => refresh();
  const keys = { "/": search, "?": () => setHelp(true), ".": reread, g: waitForLetter };
  useKeys(keys);
  if (problem && !around) return html`<${Door} problem=${problem} opened=${() => { setProblem(null); refresh(); }} />`;
  if (!around) return html`<div class="shell"><main><p class="soft" role="status">${t("loading")}</p></main></div>`;
  const View = VIEWS[at.view] || Week;
  const current = WITHIN[at.view] || at.view;
  return html`<div class="shell"><a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>${t("To the content")}</a>
    <header class="top"><a class="brand" href=${link("week")}><span aria-hidden="true">◒</span> explib</a>
      ${around.libraries.length > 1 ? html`<label><span class="sr">${t("Library")}</span><select value=${around.library} onChange=${(event) => go(`#/${current}?library=${encodeURIComponent(event.target.value)}`)}>${around.libraries.map((name) => html`<option value=${name}>${name}</option>`)}</select></label>` : html`<span class="library">${around.library}</span>`}
      <nav aria-label=${t("Views")}>${NAV.map(([view, words]) => html`<a href=${link(view)} aria-current=${current === view ? "page" : undefined}>${t(words)}${view === "review" && around.waiting > 0 && html` <span class="badge">${number(around.waiting)}</span>`}</a>`)}</nav></header>
    ${problem && html`<${Trouble} problem=${problem} />`}
    ${news > 0 && html`<p class="news" role="status"><button onClick=${reread}>${t("{n|new revision|new revisions}: show", { n: news })} <kbd>.</kbd></button></p>`}
    <main id="main" tabindex="-1" ref=${main}><${View} key=${at.view} at=${at} around=${around} /></main>
    <footer><span>${t("revision {n}", { n: String(around.revision) })}</span><button class="quiet" onClick=${() => prefer(isJapanese() ? "en" : "ja").then(refresh)} lang=${isJapanese() ? "en" : "ja"}>${isJapanese() ? "English" : "日本語"}</button>
      <button class="quiet" onClick=${() => setHelp(true)}>${t("Keys")} <kbd>?</kbd></button>${framed && html`<button class="quiet" onClick=${fullScreen}>${t("Full screen")}</button><button class="quiet" onClick=${reread}>${t("Read again")}</button>`}</footer>
    <${PendingBar} />${help && html`<${Help} close=${() => setHelp(false)} />`}</div>`;
}

function search() {
  const box = document.getElementById("search");
  if (box) box.focus();
  else {
    go(link("lessons"));
    setTimeout(() => { const field = document.getElementById("search"); if (field) field.focus(); }, 300);
  }
}

function waitForLetter() {
  const chosen = (event) => {
    document.removeEventListener("keydown", chosen, true);
    const target = NAV.find(([, , letter]) => letter === event.key);
    if (!target || typing(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    go(link(target[0]));
  };
  document.addEventListener("keydown", chosen, true);
}

function Help({ close }) {
  const keys = [...NAV.map(([, words, letter]) => ["g " + letter, t(words)]), ["/", t("search")], ["j k", t("next, previous")], ["Enter", t("open")], ["a e r", t("approve, edit, reject")], ["u", t("undo")], ["e p c", t("edit, pin, copy a lesson")], [".", t("read again")], ["Esc", t("close")]];
  return html`<${Dialog} title=${t("Keys")} close=${close}><dl class="keys-list">${keys.map(([key, words]) => html`<dt>${key.split(" ").map((each) => html`<kbd>${each}</kbd> `)}</dt><dd>${words}</dd>`)}</dl><p class="actions"><button onClick=${close}>${t("Close")}</button></p><//>`;
}

function Door({ problem, opened }) {
  const [key, setKey] = useState("");
  if (problem.kind !== "key") return html`<main class="door"><h1>explib</h1><${Trouble} problem=${problem} /></main>`;
  const enter = () => { useKey(key.trim()); opened(); };
  return html`<main class="door"><h1>${t("This page needs a key")}</h1>${problem.message && html`<${Trouble} problem=${problem} />`}
    <p>${t("At your own machine:")} <code>explib ui</code></p><p>${t("For a server of your team, paste a token:")}</p>
    <label>${t("Token")}<input type="password" autocomplete="off" value=${key} onInput=${(event) => setKey(event.target.value)} onKeyDown=${(event) => event.key === "Enter" && enter()} /></label>
    <p class="actions"><button class="main" disabled=${!key.trim()} onClick=${enter}>${t("Open")}</button></p><p class="soft">${t("It stays in this tab only.")}</p></main>`;
}

let spoken;

function context(host) {
  const page = document.documentElement;
  if (host.theme) page.style.colorScheme = host.theme;
  if (host.locale) spoken = speak(host.locale).then(refresh);
  const fonts = host.styles && host.styles.variables && host.styles.variables["--font-sans"];
  if (fonts) page.style.setProperty("--sans", fonts);
}

async function start() {
  let trouble = null;
  try {
    await open(context, () => flush({ keepalive: true }));
    if (route().view === "week") ahead("week");
    await (spoken || speak());
  } catch (problem) {
    trouble = problem instanceof Problem ? problem : new Problem(String(problem), "gone");
  }
  render(html`<${Page} trouble=${trouble} />`, document.getElementById("page"));
}

start();
