// History: revisions by day, any two compared, and the way back with a preview.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number, day, said, time } from "./words.js";
import { change, useRead, withLibrary } from "./reading.js";
import { read } from "./door.js";
import { Text, Diff } from "./text.js";
import { DID, Empty, LessonLink, Trouble, Waiting, useAct } from "./parts.js";
import { go, link } from "./route.js";

export function History({ at, around }) {
  if (at.from && at.to) return html`<${Compare} from=${at.from} to=${at.to} around=${around} />`;
  return html`<${Revisions} chosen=${at.id} around=${around} />`;
}

function Revisions({ chosen, around }) {
  const found = useRead("history", { limit: 50 });
  const [older, setOlder] = useState([]);
  const [pair, setPair] = useState([]);
  const first = found.data;
  useEffect(() => setOlder([]), [first]);
  if (!first) return html`<${Waiting} found=${found} />`;
  if (!first.revisions.length) return html`<h1>${t("History")}</h1><${Empty} title=${t("Nothing has changed yet.")} />`;
  const all = [...first.revisions, ...older.flatMap((page) => page.revisions)];
  const next = older.length ? older[older.length - 1].next : first.next;
  const more = () => read("history", withLibrary({ limit: 50, after: next })).then((page) => setOlder([...older, page]));
  const mark = (number) => setPair(pair.includes(number) ? pair.filter((each) => each !== number) : [...pair, number].slice(-2));
  const [from, to] = [...pair].sort((x, y) => x - y);
  let last = "";
  return html`<div class="title-row"><h1>${t("History")}</h1><p class="actions">
      ${pair.length === 2 ? html`<a class="button" href=${link("history", "", { from: String(from), to: String(to) })}>${t("Compare {a} and {b}", { a: String(from), b: String(to) })}</a>`
        : html`<span class="soft">${t("Mark two revisions to compare them.")}</span>`}</p></div>
    <ol class="plain revisions">${all.map((revision) => {
      const today = day(revision.at);
      const heading = today === last ? null : html`<li class="day"><h2>${today}</h2></li>`;
      last = today;
      return html`${heading}<${Revision} key=${revision.number} revision=${revision} newest=${first.revision} open=${String(revision.number) === chosen} marked=${pair.includes(revision.number)} mark=${mark} around=${around} />`;
    })}</ol>${next && html`<button onClick=${more}>${t("Older")}</button>`}`;
}

function Revision({ revision, newest, open, marked, mark, around }) {
  const [shown, setShown] = useState(open);
  const counts = [["+", revision.added, "good"], ["~", revision.changed, "open"], ["−", revision.removed, "bad"]].filter((each) => each[1]);
  const id = String(revision.number);
  return html`<li class=${"revision" + (marked ? " marked" : "")}><input type="checkbox" checked=${marked} onChange=${() => mark(revision.number)} aria-label=${t("Mark revision {n}", { n: id })} />
    <button class="line" aria-expanded=${shown} onClick=${() => setShown(!shown)}><span class="mono">${id}</span>
      <span class="cause"><${Text} text=${revision.cause || revision.settings} /><span class="soft"> · <${Text} text=${revision.author} /> · ${time(revision.at)}</span></span>
      <span class="counts">${counts.map(([sign, count, kind]) => html`<span class=${kind}>${sign}${number(count)}</span>`)}${revision.refused > 0 && html`<span class="soft">${t("{n} refused", { n: revision.refused })}</span>`}</span></button>
    ${around.person && around.may_curate && (revision.number < newest || newest > 1) && html`<${Back} newest=${newest} to=${revision.number === newest ? newest - 1 : revision.number} words=${revision.number === newest ? t("Undo") : t("Back to here")} />`}
    ${shown && html`<${RevisionChanges} number=${id} />`}</li>`;
}

function Back({ newest, to, words }) {
  return html`<a class="button small" href=${link("history", "", { from: String(newest), to: String(to) })} title=${t("Go back to how it stood after revision {n}", { n: String(to) })}>${words}</a>`;
}

function RevisionChanges({ number: id }) {
  const found = useRead("revision", { id });
  if (!found.data) return html`<div class="inside"><${Waiting} found=${found} /></div>`;
  const { changes, refusals, settings, cost } = found.data;
  return html`<div class="inside">${settings && html`<p><${Text} text=${settings} /></p>`}
    ${changes.map((made) => html`<div class="made"><p><span class="chip">${t(DID[made.kind])}</span> ${made.after.map((lesson) => html`<${LessonLink} id=${lesson.id} /> `)}${told(made)}</p><p class="soft"><${Text} text=${said(made.reason)} /></p></div>`)}
    ${refusals.length > 0 && html`<h3>${t("Refused")}</h3><ul class="plain">${refusals.map((refusal) => html`<li><${Text} text=${refusal.content || refusal.kind} code /> <span class="soft">— <${Text} text=${refusal.reason} /></span></li>`)}</ul>`}
    ${cost.calls > 0 && html`<p class="soft">${t("{n|model call|model calls}, {m} tokens", { n: cost.calls, m: cost.prompt_tokens + cost.completion_tokens })}</p>`}</div>`;
}

function told({ before, after }) {
  const [old] = before, [now] = after;
  if (!old) return html`<${Text} text=${now.content} code />`;
  const words = old.content === now.content ? html`<${Text} text=${now.content} />` : html`<${Diff} before=${old.content} after=${now.content} />`;
  return html`${words}${old.status !== now.status && html` <span class="soft">${t(old.status)} → ${t(now.status)}</span>`}${old.pinned !== now.pinned && html` <span class="soft">${now.pinned ? t("pinned") : t("unpinned")}</span>`}`;
}

function Compare({ from, to, around }) {
  const found = useRead("difference", { id: from, after: to });
  const [reason, setReason] = useState("");
  const [state, act] = useAct();
  const diff = found.data && String(found.data.before) === from && String(found.data.after) === to ? found.data : null;
  if (!diff) return html`<${Waiting} found=${found} />`;
  const back = Number(to) < Number(from) && Number(from) === diff.revision;
  const none = !diff.added.length && !diff.removed.length && !diff.changed.length && !diff.settings.length;
  const revert = async () => {
    const done = await act(() => change("revert", { revision: Number(to), reason, expected_revision: diff.revision }));
    if (done) go(link("history"));
  };
  const list = (title, kind, lessons) => lessons.length > 0 && html`<h2>${title} <span class="count">${number(lessons.length)}</span></h2><ul class=${"plain compared " + kind}>${lessons.map((lesson) => html`<li><span class="mono soft">${lesson.id}</span> <${Text} text=${lesson.content} code /></li>`)}</ul>`;
  return html`<p class="crumbs"><a href=${link("history")}>← ${t("History")}</a></p>
    <h1>${back ? t("Back to revision {n}: what will change", { n: to }) : t("From revision {a} to {b}", { a: from, b: to })}</h1>
    ${none && html`<p class="soft">${t("Nothing differs.")}</p>`}
    ${list(back ? t("Comes back") : t("Added"), "added", diff.added)}
    ${list(back ? t("Goes") : t("Removed"), "removed", diff.removed)}
    ${diff.changed.length > 0 && html`<h2>${t("Changed")} <span class="count">${number(diff.changed.length)}</span></h2><ul class="plain compared">${diff.changed.map(([old, now]) => html`<li><span class="mono soft">${now.id}</span> ${told({ before: [old], after: [now] })}</li>`)}</ul>`}
    ${diff.settings.length > 0 && html`<h2>${t("Settings")}</h2><ul>${diff.settings.map((text) => html`<li><${Text} text=${text} /></li>`)}</ul>`}
    ${back && around.person && html`<div class="card confirm"><p>${t("This is a new revision: nothing is lost, and it can be taken back the same way.")}</p>
      <label>${t("Why (kept in the history)")}<input value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
      ${state.problem && html`<${Trouble} problem=${state.problem} />`}
      <p class="actions"><button class="main" disabled=${state.busy || none} onClick=${revert}>${t("Go back to revision {n}", { n: to })}</button><a class="button" href=${link("history")}>${t("Cancel")}</a></p></div>`}`;
}
