// Attempts: the newest, and one of them with what it was shown and what it did.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, whole } from "./words.js";
import { read } from "./door.js";
import { useRead, withLibrary } from "./reading.js";
import { Text } from "./text.js";
import { Empty, LessonLink, Reward, Waiting, When } from "./parts.js";
import { Search } from "./lessons.js";
import { Steps } from "./steps.js";
import { go, link } from "./route.js";

const ATTEMPT_KINDS = { "": "all", graded: "with a reward", ungraded: "without a reward", served: "asked for lessons" };

export function Attempts({ at }) {
  const filters = { query: at.query || "", show: at.show || "" };
  const found = useRead("attempts", { ...filters, limit: 50 });
  const [older, setOlder] = useState([]);
  const first = found.data;
  useEffect(() => setOlder([]), [first]);
  const change = (more) => go(link("attempts", "", { ...filters, ...more }), true);
  const tools = html`<h1 class="sr">${t("Attempts")}</h1><div class="tools"><${Search} value=${filters.query} change=${(query) => change({ query })} label=${t("Search tasks")} />
    <label><span class="sr">${t("Show")}</span><select value=${filters.show} onChange=${(event) => change({ show: event.target.value })}>${Object.entries(ATTEMPT_KINDS).map(([kind, words]) => html`<option value=${kind}>${t(words)}</option>`)}</select></label></div>`;
  if (!first) return html`${tools}<${Waiting} found=${found} />`;
  const all = [...first.attempts, ...older.flatMap((page) => page.attempts)];
  const next = older.length ? older[older.length - 1].next : first.next;
  const more = () => read("attempts", withLibrary({ ...filters, limit: 50, after: next })).then((page) => setOlder([...older, page]));
  if (!all.length) return html`${tools}${filters.query || filters.show ? html`<${Empty} title=${t("No attempt is like that.")} />` : html`<${Empty} title=${t("No attempts yet")}><p class="soft"><code>explib attach claude-code</code> ${t("captures each turn from now on;")} <code>explib import --sessions</code> ${t("reads what there is.")}</p><//>`}`;
  return html`${tools}<ul class="plain attempts">${all.map((attempt) => html`<li key=${attempt.id}><${Reward} value=${attempt.reward} source=${attempt.reward_source} />
    <a href=${link("attempt", attempt.id)}><${Text} text=${attempt.task} /></a>
    <span class="soft"><${When} at=${attempt.at} />${attempt.agent && html` · <${Text} text=${attempt.agent} />`}${attempt.served.length > 0 && html` · ${t("saw {n|lesson|lessons}", { n: attempt.served.length })}`}</span></li>`)}</ul>
    ${next && html`<button onClick=${more}>${t("Older")}</button>`}`;
}

export function Attempt({ at }) {
  const found = useRead("attempt", { id: at.id, limit: 100 });
  const [rest, setRest] = useState({ id: "", steps: [] });
  if (!found.data) return html`<${Waiting} found=${found} />`;
  const added = rest.id === at.id ? rest.steps : [];
  const attempt = { ...found.data, steps: [...found.data.steps, ...added] };
  const more = () => read("attempt", withLibrary({ id: at.id, after: String(attempt.steps.length), limit: 100 })).then((page) => setRest({ id: at.id, steps: [...added, ...page.steps] }));
  const fact = (words, value) => value && html`<dt>${words}</dt><dd><${Text} text=${value} /></dd>`;
  return html`<p class="crumbs"><a href=${link("attempts")}>← ${t("Attempts")}</a></p>
    <h1 class="task-title"><${Text} text=${attempt.task} /></h1>
    <p class="signs"><${Reward} value=${attempt.reward} source=${attempt.reward_source} /> <span class="soft">${attempt.reward_source ? t("by {source}", { source: t(attempt.reward_source) }) : t("no reward yet")} · ${whole(attempt.at)} · <span class="mono">${attempt.id}</span></span></p>
    <dl class="facts">${fact(t("agent"), attempt.agent)}${fact(t("model"), attempt.model)}${fact(t("answer"), attempt.answer)}${fact(t("right answer"), attempt.ground_truth)}${fact(t("feedback"), attempt.feedback)}</dl>
    ${attempt.served.length > 0 && html`<h2>${t("Lessons that it was shown")}</h2><ul class="plain shown">${attempt.served.map((lesson) => html`<li><span>${lesson.served ? "✓" : "○"}</span><span><${LessonLink} id=${lesson.id}><${Text} text=${lesson.content} code /><//>${!lesson.served && html` <span class="soft">${t("withheld by chance")}</span>`}</span></li>`)}</ul>`}
    <h2>${t("What it did")}</h2><${Steps} attempt=${attempt} more=${more} />`;
}
