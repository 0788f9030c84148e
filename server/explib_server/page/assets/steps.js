// The steps of attempts: of one, or of two side by side with what differs marked.
import { useMemo, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number } from "./words.js";
import { read } from "./door.js";
import { useRead, withLibrary } from "./reading.js";
import { Text, aligned } from "./text.js";
import { AttemptLink, Reward, Waiting } from "./parts.js";

const MOST_ALIGNED = 400;
const FOLD_FROM = 2;

const ROLES = { user: "person", assistant: "agent", tool: "tool", system: "system" };

export function Step({ step, index, id }) {
  const [whole, setWhole] = useState(null);
  const shown = whole || step;
  const more = () => read("attempt", withLibrary({ id, after: String(index), limit: 1 })).then((data) => setWhole(data.steps[0]));
  return html`<div class=${"step " + step.role + (step.error ? " error" : "")}>
    <span class="role">${t(ROLES[step.role] || step.role)}${step.error ? " · " + t("error") : ""}</span>
    ${shown.text && html`<div class="said"><${Text} text=${shown.text} /></div>`}
    ${shown.cut > 0 && html`<button class="small" onClick=${more}>${t("{n} more characters", { n: shown.cut })}</button>`}
    ${shown.calls.map((call) => html`<div class="call"><b><${Text} text=${call.name} /></b><span class="arguments"><${Text} text=${call.arguments} /></span></div>`)}</div>`;
}

// Two steps are alike if they do the same: a call of the same tool, or the same text.
const masked = (text) => text.replace(/\d+/g, "0");
const sameness = (step) => step.role + "|" + (step.calls.length ? step.calls.map((call) => call.name + ":" + argumentNames(call.arguments)).join() : masked(step.text));

function argumentNames(text) {
  try {
    return Object.keys(JSON.parse(text)).sort().join();
  } catch {
    return text;
  }
}

export function Beside({ left, right }) {
  const one = useRead("attempt", { id: left, limit: 200 });
  const other = useRead("attempt", { id: right, limit: 200 });
  const [open, setOpen] = useState({});
  const a = one.data, b = other.data;
  const rows = useMemo(() => (a && b ? folded(a.steps.slice(0, MOST_ALIGNED), b.steps.slice(0, MOST_ALIGNED)) : []), [a, b]);
  if (!a || !b) return html`<${Waiting} found=${one.problem ? one : other} />`;
  const cell = (side, found, index) => html`<div class=${side + (index === null ? " gap" : "")}>${index !== null && html`<${Step} step=${found.steps[index]} index=${index} id=${found.id} />`}</div>`;
  return html`<div class="beside" role="table" aria-label=${t("Two attempts side by side")}>
    <div class="pair head" role="row"><div class="left" role="columnheader"><b>${t("did as it says")}</b> <${Reward} value=${a.reward} /> <${AttemptLink} id=${a.id} /><span class="task"><${Text} text=${a.task} /></span></div>
      <div class="right" role="columnheader"><b>${t("did otherwise")}</b> <${Reward} value=${b.reward} /> <${AttemptLink} id=${b.id} /><span class="task"><${Text} text=${b.task} /></span></div></div>
    ${rows.map((row, at) => row.fold && !open[at]
      ? html`<div class="pair" role="row"><div class="fold" role="cell"><button class="small" onClick=${() => setOpen({ ...open, [at]: true })}>⋯ ${t("{n|step|steps} alike", { n: row.fold.length })}</button></div></div>`
      : (row.fold || [row.pair]).map(([i, j]) => html`<div class=${"pair " + (i === null ? "only-right" : j === null ? "only-left" : row.fold || sameness(a.steps[i]) === sameness(b.steps[j]) ? "alike" : "differs")} role="row">
          <div role="cell" class="half">${cell("left", a, i)}</div><div role="cell" class="half">${cell("right", b, j)}</div></div>`))}
    ${(a.total > a.steps.length || b.total > b.steps.length) && html`<p class="soft">${t("The first {n} steps are compared.", { n: 200 })}</p>`}
  </div>`;
}

function folded(left, right) {
  const rows = [];
  for (const pair of aligned(left, right, (x, y) => sameness(x) === sameness(y))) {
    const alike = pair[0] !== null && pair[1] !== null;
    const last = rows[rows.length - 1];
    if (alike && last && last.fold) last.fold.push(pair);
    else if (alike) rows.push({ fold: [pair] });
    else if (last && last.apart) last.apart.push(pair);
    else rows.push({ apart: [pair] });
  }
  return rows.flatMap((row) => {
    if (row.apart) return beside(row.apart, left, right).map((pair) => ({ pair }));
    return row.fold.length < FOLD_FROM ? row.fold.map((pair) => ({ pair })) : [row];
  });
}

// Steps that are not alike stand beside one another where they call the same tool.
function beside(pairs, left, right) {
  const mine = pairs.map(([i]) => i).filter((i) => i !== null);
  const theirs = pairs.map(([, j]) => j).filter((j) => j !== null);
  return aligned(mine, theirs, (i, j) => names(left[i]) === names(right[j])).map(([a, b]) => [a === null ? null : mine[a], b === null ? null : theirs[b]]);
}

const names = (step) => step.role + step.calls.map((call) => call.name).join();

export function Steps({ attempt, more }) {
  return html`<div class="steps-list">${attempt.steps.map((step, place) => html`<${Step} key=${place} step=${step} index=${place} id=${attempt.id} />`)}
    ${attempt.steps.length < attempt.total && html`<button onClick=${more}>${t("{n} more steps", { n: attempt.total - attempt.steps.length })}</button>`}
    ${!attempt.total && html`<p class="soft">${t("Its steps were let go; the attempt itself is kept.")}</p>`}
    <span class="sr">${number(attempt.total)}</span></div>`;
}
