// Learner: what it does, what it waits for, what it spent and refused, and the decisions that it knows of.
import { html } from "./html.js";
import { t, money, number, reward, said, shortDay } from "./words.js";
import { useRead } from "./reading.js";
import { Text } from "./text.js";
import { Forest, Waiting, When, effectWords } from "./parts.js";
import { go, link } from "./route.js";

const DAY = 86400;

export function Learner({ at }) {
  const found = useRead("learner", { show: at.show || "", limit: 50, after: at.after || "" });
  const data = found.data;
  if (!data) return html`<${Waiting} found=${found} />`;
  return html`<h1>${sentence(data)}</h1>
    <p class="lead">${t(ANALYSTS[data.analyst])}${data.model && html` <span class="mono"><${Text} text=${data.model} /></span>.`} ${data.learned_at ? html`${t("Last change:")} <${When} at=${data.learned_at} now=${data.now} />.` : ""}</p>
    <p>${today(data)}</p>
    ${data.pulse.filter((pulse) => pulse.late).map((pulse) => html`<p class="notice"><${Text} text=${said(pulse.cause)} />. → <${Text} text=${said(pulse.cure)} /></p>`)}
    <div class="columns even"><section><h2>${t("Groups of attempts")}</h2><${Groups} data=${data} /></section>
      <section><h2>${t("Tokens and money")}</h2><${Spent} data=${data} /></section></div>
    <section><h2>${t("Practice")}</h2><${Runs} data=${data} /></section>
    <section><h2>${t("Mean reward by day")}</h2><${Curve} data=${data} /></section>
    <section><h2>${t("Decisions it knows")}</h2><${Codebook} data=${data} at=${at} /></section>
    <section><h2>${t("Refused proposals")}</h2>${data.refusals.length ? html`<ul class="plain refusals">${data.refusals.map((refusal) => html`<li><${Text} text=${refusal.content || refusal.kind} code /> <span class="soft">— <${Text} text=${refusal.reason} /></span></li>`)}</ul>` : html`<p class="soft">${t("None was refused.")}</p>`}</section>`;
}

const ANALYSTS = {
  contrast: "No model is set: lessons come from statistics over attempts, and cost nothing.",
  model: "Lessons come from statistics and a model:",
  agent: "The attached agent is the analyst: it answers the learner's questions.",
};

function today({ today: { revisions, added, changed, removed, refused } }) {
  if (!revisions) return t("Today it changed nothing.");
  const counts = { n: revisions, added, changed, removed, refused };
  return html`${t("Today: {n|revision|revisions}, {added} added, {changed} changed, {removed} retired, {refused} refused.", counts)} <a href=${link("history")}>${t("History")}</a>`;
}

function sentence(data) {
  if (data.holder) return t("The learner is at work");
  const ready = data.groups.ready || 0;
  if (ready) return t("{n|group waits|groups wait} for the learner", { n: ready });
  const dead = data.groups.dead || 0;
  return dead ? t("{n|group was|groups were} given up", { n: dead }) : t("The learner is idle: all that can be learned from is learned");
}

const STATES = { ready: "ready", waiting: "waiting", learned: "learned", dead: "given up" };

function Groups({ data }) {
  const total = Object.values(data.groups).reduce((sum, count) => sum + count, 0);
  if (!total) return html`<p class="soft">${t("No attempts yet.")}</p>`;
  return html`<div class="stack" aria-hidden="true">${Object.keys(STATES).map((state) => data.groups[state] ? html`<span class=${state} style=${{ width: (100 * data.groups[state]) / total + "%" }}></span>` : "")}</div>
    <ul class="plain keys">${Object.entries(STATES).map(([state, words]) => data.groups[state] ? html`<li><span class=${"swatch " + state}></span>${number(data.groups[state])} ${t(words)}</li>` : "")}</ul>
    ${Object.entries(data.reasons).map(([reason, count]) => html`<p class="soft">${number(count)} × <${Text} text=${said(reason)} /></p>`)}`;
}

function Spent({ data }) {
  if (data.spent === null) return html`<p class="soft">${t("All libraries share them; this key does not reach them all.")}</p>`;
  const today = Math.floor(data.now / DAY) * DAY;
  const of = (rows) => `${t("{n|token|tokens}", { n: tokens(rows) })} · ${price(rows)}`;
  const on = (at) => data.spent.filter((each) => each.at === at);
  const last = Array.from({ length: 28 }, (_, back) => today - (27 - back) * DAY);
  const most = Math.max(1, ...last.map((at) => tokens(on(at))));
  const steps = [...new Set(data.spent.map((each) => each.step))];
  return html`<p><b>${of(on(today))}</b> ${t("today, of at most {n}", { n: data.limit })}</p><div class="meter" aria-hidden="true"><span style=${{ width: Math.min(100, (100 * tokens(on(today))) / Math.max(1, data.limit)) + "%" }}></span></div>
    ${steps.length > 0 ? html`<div class="bars" role="img" aria-label=${t("Tokens by day")}>${last.map((at) => html`<span title=${`${shortDay(at)}: ${of(on(at))}`} style=${{ height: (100 * tokens(on(at))) / most + "%" }}></span>`)}</div>
      <p class="soft">${t("In four weeks: {spent}", { spent: of(data.spent) })}</p>
      <ul class="plain keys">${steps.map((step) => html`<li>${step}: ${of(data.spent.filter((each) => each.step === step))}</li>`)}</ul>` : html`<p class="soft">${t("None in four weeks.")}</p>`}`;
}

const tokens = (rows) => rows.reduce((sum, each) => sum + each.prompt_tokens + each.completion_tokens, 0);

function price(rows) {
  const known = rows.filter((each) => each.usd !== null);
  if (rows.length && !known.length) return money(null);
  const usd = money(known.reduce((sum, each) => sum + each.usd, 0));
  return known.length < rows.length ? t("{usd}, some of unknown price", { usd }) : usd;
}

function Runs({ data }) {
  if (!data.runs.length) return html`<p class="soft">${t("No run yet:")} <code>explib practice</code> ${t("attempts tasks, learns from them, and proves it.")}</p>`;
  return data.runs.map((run) => html`<div class="run"><p><b><${Text} text=${run.what} /></b></p>
    <p class="soft"><${When} at=${run.at} now=${data.now} /> · <${Text} text=${run.by} />${run.control && ` · ${t("control: rewards are shuffled")}`} · ${t("{n|token|tokens}", { n: run.tokens })}, ${money(run.usd)} · <span class="mono">${run.run}</span></p>
    ${run.batches.length > 0 && html`<${Bars} data=${data} heads=${[t("epoch, batch"), t("mean reward")]} rows=${run.batches.map((batch) => [`${batch.epoch}, ${batch.batch}`, { ...batch, note: t("{n} of {m}", { n: batch.graded, m: batch.planned }) }])} />`}
    <${Proof} run=${run} /></div>`);
}

function Proof({ run }) {
  const { proof } = run;
  if (!proof) return run.proved > 0 && html`<p class="soft">${t("The proof goes on: {n|rollout is|rollouts are} made.", { n: run.proved })}</p>`;
  const { effect } = proof;
  return html`<p><b>${t("Proof")}: ${said(proof.verdict)}</b>, ${effectWords(effect).main} (${effectWords(effect).span}). <span class="soft">${t("Mean reward {mean} ({one}) and {other} ({two}); {n} of {m} pairs, revision {r}.", { one: said(proof.sides[0]), two: said(proof.sides[1]), mean: reward(proof.with.mean), other: reward(proof.without.mean), n: proof.pairs, m: proof.planned, r: String(proof.revision) })}${proof.complete ? "" : " " + t("It is not complete.")}</span></p><${Forest} effect=${effect} />`;
}

// A table of means as bars: a row is its name and its cells, {mean, low, high, note} or nothing.
function Bars({ data, heads, rows }) {
  const share = (value) => (100 * (value - data.reward_min)) / (data.reward_max - data.reward_min || 1);
  return html`<div class="scroll" tabindex="0" role="group" aria-label=${t("table")}><table class="curve"><thead><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr></thead><tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>
    ${cells.map((cell, place) => html`<td>${cell ? html`<span class="track"><span class=${place ? "bar pale" : "bar"} style=${{ width: share(cell.mean) + "%" }}></span>${typeof cell.low === "number" && html`<span class="span" style=${{ left: share(cell.low) + "%", width: share(cell.high) - share(cell.low) + "%" }}></span>`}</span> ${reward(cell.mean)} <span class="soft">${typeof cell.low === "number" && `(${reward(cell.low)}–${reward(cell.high)}) `}${cell.note}</span>` : html`<span class="soft">–</span>`}</td>`)}</tr>`)}</tbody></table></div>`;
}

function Curve({ data }) {
  if (!data.curve.length) return html`<p class="soft">${t("No rewards yet.")}</p>`;
  const days = [...new Set(data.curve.map((each) => each.at))].slice(-14);
  const cell = (at, served) => {
    const found = data.curve.find((each) => each.at === at && each.served === served);
    return found && { mean: found.mean, note: t("of {n}", { n: found.attempts }) };
  };
  return html`<${Bars} data=${data} heads=${[t("day"), t("asked for lessons"), t("asked for none")]} rows=${days.map((at) => [shortDay(at), cell(at, true), cell(at, false)])} />
    <p class="soft">${t("Those who asked did other tasks than those who did not: a mean is no proof.")}</p>`;
}

const VERDICTS = { believed: "believed", candidate: "candidate", "one of": "one of several", unknown: "not known yet" };

function Codebook({ data, at }) {
  const total = Object.values(data.states).reduce((sum, count) => sum + count, 0);
  if (!total) return html`<p class="soft">${t("None yet: from about 12 graded attempts on they are named.")}</p>`;
  const pick = (event) => go(link("learner", "", { show: event.target.value }), true);
  const after = data.start + data.decisions.length;
  return html`<label><span class="sr">${t("Show")}</span><select value=${at.show || ""} onChange=${pick}><option value="">${t("all")} (${number(total)})</option>${Object.entries(VERDICTS).map(([state, words]) => html`<option value=${state}>${t(words)} (${number(data.states[state])})</option>`)}</select></label>
    <div class="scroll" tabindex="0" role="group" aria-label=${t("table")}><table><thead><tr><th>${t("in this situation")}</th><th>${t("better")}</th><th>${t("verdict")}</th><th class="n">${t("attempts")}</th><th>${t("effect")}</th></tr></thead><tbody>${data.decisions.map((decision) => {
      const { verdict } = decision;
      const better = verdict && decision.options.find((option) => option.letter === verdict.better);
      return html`<tr><td><${Text} text=${decision.situation} code /></td><td>${better ? html`<${Text} text=${better.text} code />` : "–"}</td><td>${verdict ? html`${t(VERDICTS[verdict.state])} <span class="soft">${verdict.inclusion > 0.99 ? "> 99" : number(verdict.inclusion * 100)} %</span>` : t("not judged yet")}</td>
        <td class="n">${verdict ? t("{n} against {m}", { n: verdict.followed, m: verdict.others }) : ""}</td><td>${verdict && verdict.low !== verdict.high ? html`<${Forest} effect=${{ mean: verdict.effect, low: verdict.low, high: verdict.high, source: "attempts" }} />` : ""}</td></tr>`;
    })}</tbody></table></div>${after < data.total && html`<a class="button" href=${link("learner", "", { show: at.show, after: String(after) })}>${t("Next")}</a>`}`;
}
