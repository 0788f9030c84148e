// One lesson: what it says, what is known of it, and the attempts that it rests on.
import { useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number, reward, said, whole } from "./words.js";
import { useRead, change } from "./reading.js";
import { Text, Diff } from "./text.js";
import { AttemptLink, Dialog, Empty, Forest, Pinned, Status, Trouble, Waiting, When, copy, effectWords, standing, useAct, useKeys } from "./parts.js";
import { Beside } from "./steps.js";
import { link } from "./route.js";

export function Lesson({ at, around }) {
  const found = useRead("lesson", { id: at.id });
  const [dialog, setDialog] = useState("");
  const [state, act] = useAct();
  const [told, setTold] = useState("");
  const lesson = found.data;
  const may = around.may_curate && lesson && lesson.status !== "retired";
  const pin = () => act(() => change("edit_experience", { id: lesson.id, pinned: !lesson.pinned, expected_version: lesson.version }));
  const take = () => setTold(copy(asMarkdown(lesson)) ? t("Copied.") : t("Your browser did not let the page copy."));
  useKeys({ e: () => may && setDialog("edit"), p: () => may && around.person && pin(), c: () => lesson && take() });
  if (!lesson) return html`<${Waiting} found=${found} />`;
  return html`<article class="lesson"><p class="crumbs"><a href=${link("lessons")}>← ${t("Lessons")}</a></p>
    <h1><${Text} text=${lesson.content} code /></h1>
    <p class="signs"><span class="mono soft">${lesson.id}</span> <${Status} status=${lesson.status} />${lesson.pinned && html` <${Pinned} />`}
      <span class="soft">${[t("version {n}", { n: String(lesson.version) }), origin(lesson), standing(lesson)].filter((words, place, all) => all.indexOf(words) === place).join(" · ")}</span></p>
    <p class="actions">${may && html`<button onClick=${() => setDialog("edit")}>${t("Edit")} <kbd>e</kbd></button>
      ${around.person && html`<button disabled=${state.busy} onClick=${pin}>${lesson.pinned ? t("Unpin") : t("Pin")} <kbd>p</kbd></button>`}
      <button onClick=${() => setDialog("retire")}>${t("Retire")}</button>`}
      <button onClick=${take}>${t("Copy as Markdown")} <kbd>c</kbd></button> <span role="status" class="soft">${told}</span></p>
    ${state.problem && html`<${Trouble} problem=${state.problem} />`}
    <${Known} lesson=${lesson} />
    <${Grounds} lesson=${lesson} />
    <${Way} lesson=${lesson} />
    <${Versions} lesson=${lesson} />
    <${Votes} lesson=${lesson} />
    ${dialog === "edit" && html`<${Edit} lesson=${lesson} around=${around} close=${() => setDialog("")} />`}
    ${dialog === "retire" && html`<${Retire} lesson=${lesson} close=${() => setDialog("")} />`}</article>`;
}

const origin = (lesson) => lesson.analyst === "person" ? t("written by a person") : t("learned in revision {n}", { n: String(lesson.created_revision) });

function Known({ lesson }) {
  const { effect } = lesson;
  if (!effect) return html`<section class="known"><p class="huge open">? ${t("not known")}</p><p class="soft"><${Text} text=${lesson.label} />${lesson.note ? html`. <${Text} text=${lesson.note} />` : ""}</p></section>`;
  const words = effectWords(effect);
  const kind = effect.low > 0 ? "good" : effect.high < 0 ? "bad" : "open";
  const measured = effect.source === "measured";
  return html`<section class="known"><p class=${"huge " + kind}>${words.main} <small>${words.span}</small></p><${Forest} effect=${effect} />
    <p class="soft">${measured ? t("Measured by serving it to some and not to others: {n|reward|rewards}.", { n: effect.n })
      : html`${t("The reward that attempts got more where they did as it says ({n|attempt|attempts}).", { n: effect.n })} ${t("What serving it changes is not measured:")} <code>explib practice --prove</code> ${t("measures it.")}`}
</p></section>`;
}

export function Grounds({ lesson }) {
  const [pair, setPair] = useState(lesson.pair);
  const { did, did_not: otherwise, decision } = lesson;
  const [shown, setShown] = useState(lesson.id);
  if (shown !== lesson.id) {
    setShown(lesson.id);
    setPair(lesson.pair);
  }
  if (!did.count && !otherwise.count) return html`<section><h2>${t("Where it came from")}</h2><${Empty} title=${lesson.analyst === "person" ? t("A person wrote it: no attempts stand behind it.") : t("No attempts stand behind it.")} /></section>`;
  const pick = (side) => (event) => setPair(side ? [pair[0], event.target.value] : [event.target.value, pair[1]]);
  return html`<section><h2>${t("Where it came from")}</h2>
    ${decision && html`<${Decision} decision=${decision} lesson=${lesson} />`}
    <div class="sides"><${Side} words=${t("did as it says")} side=${did} value=${pair[0]} pick=${pick(0)} kind="good" />
      <${Side} words=${t("did otherwise")} side=${otherwise} value=${pair[1]} pick=${pick(1)} kind="bad" /></div>
    ${pair[0] && pair[1] ? html`<${Beside} left=${pair[0]} right=${pair[1]} />` : pair[0] && html`<p class="soft">${t("Nothing stands on the other side.")} <${AttemptLink} id=${pair[0]} /></p>`}
    ${lesson.rivals.length > 0 && html`<p class="soft">${t("The attempts cannot tell it apart from:")}</p><ul>${lesson.rivals.map((rival) => html`<li><${Text} text=${rival.situation} /></li>`)}</ul>`}</section>`;
}

function Decision({ decision, lesson }) {
  const { verdict } = decision;
  return html`<p class="situation">${t("In this situation")}: <b><${Text} text=${decision.situation} code /></b></p>
    <div class="scroll" tabindex="0" role="group" aria-label=${t("table")}><table><thead><tr><th>${t("what attempts did")}</th><th class="n">${t("attempts")}</th><th class="n">${t("mean reward")}</th><th>${t("effect")}</th></tr></thead>
    <tbody>${decision.options.map((option) => html`<tr class=${option.this ? "this" : ""}><td>${option.this ? "▸ " : ""}<${Text} text=${option.text} code />${option.this && html` <span class="chip">${t("this lesson")}</span>`}</td>
      <td class="n">${number(option.attempts)}</td><td class="n">${reward(option.mean)}</td>
      <td>${verdict && verdict.better === option.letter && verdict.low !== verdict.high ? html`<${Forest} effect=${{ mean: verdict.effect, low: verdict.low, high: verdict.high, source: "attempts" }} />` : ""}</td></tr>`)}
    ${lesson.unclear > 0 && html`<tr class="soft"><td>${t("cannot be told")}</td><td class="n">${number(lesson.unclear)}</td><td></td><td></td></tr>`}</tbody></table></div>
    <p class="soft">${verdict ? t(VERDICT_WORDS[verdict.state]) : t("Not judged yet.")}${verdict && verdict.groups + verdict.lone ? " " + t("Compared in {n|group|groups} and {m|lone attempt|lone attempts}, other decisions held equal.", { n: verdict.groups, m: verdict.lone }) : ""}</p>`;
}

const VERDICT_WORDS = {
  believed: "Believed: chance alone would hardly look like this.",
  candidate: "A candidate: probable, not yet believed.",
  "one of": "One of several that always go together.",
  unknown: "Not known yet: the attempts cannot be told from chance.",
};

function Side({ words, side, value, pick, kind }) {
  return html`<label class=${"side " + kind}><span><b>${t("{n|attempt|attempts}", { n: side.count })}</b> ${words}${side.mean !== null ? html`, ${t("mean reward {mean}", { mean: reward(side.mean) })}` : ""}</span>
    ${side.shown.length > 0 && html`<select value=${value} onChange=${pick}>${side.shown.map((each) => html`<option value=${each.id}>${reward(each.reward)} · ${each.task.slice(0, 90)}</option>`)}</select>`}</label>`;
}

function Way({ lesson }) {
  const way = lesson.following;
  const steps = [[t("served"), lesson.served], [t("seen"), way.seen], [t("met its situation"), way.met], [t("followed"), way.followed.attempts, way.followed.mean], [t("did otherwise"), way.otherwise.attempts, way.otherwise.mean]];
  const most = Math.max(1, ...steps.map((step) => step[1]));
  return html`<section><h2>${t("Since it is served")}</h2>${!lesson.served && !way.seen ? html`<p class="soft">${t("It was not served yet.")}</p>` : html`<table class="funnel"><tbody>${steps.map(([words, count, mean]) => html`<tr><th scope="row">${words}</th>
    <td class="bar-cell"><span class="bar" style=${{ width: (100 * count) / most + "%" }}></span></td><td class="n">${number(count)}</td><td class="soft">${mean !== undefined && mean !== null ? t("mean reward {mean}", { mean: reward(mean) }) : ""}</td></tr>`)}</tbody></table>`}</section>`;
}

function Versions({ lesson }) {
  return html`<section><h2>${t("How it became what it is")}</h2><ol class="versions plain">${lesson.versions.map((version) => html`<li>
    <p class="soft"><a href=${link("history", String(version.revision))}>${t("revision {n}", { n: String(version.revision) })}</a> · <${When} at=${version.at} /> · <${Text} text=${version.author} /> · ${t("version {n}", { n: String(version.version) })}</p>
    <p>${version.before && version.before !== version.after ? html`<${Diff} before=${version.before} after=${version.after} />` : html`<${Text} text=${version.after} />`}</p>
    <details><summary class="soft">${t("why")}</summary><p class="soft reason"><${Text} text=${said(version.reason)} /></p></details></li>`)}</ol></section>`;
}

function Votes({ lesson }) {
  if (!lesson.ballots.length) return null;
  return html`<section><h2>${t("Votes")}</h2><ul class="plain">${lesson.ballots.map((vote) => html`<li>${vote.up ? "▲" : "▼"} <${Text} text=${vote.voter} />: <${Text} text=${vote.reason || t("no reason")} /></li>`)}</ul></section>`;
}

export function Edit({ lesson, around, close, save, title }) {
  const [text, setText] = useState(lesson.content);
  const [reason, setReason] = useState("");
  const [state, act] = useAct();
  const count = text.trim().split(/\s+/).filter(Boolean).length;
  const submit = async () => {
    const done = await act(() => (save ? save(text, reason) : change("edit_experience", { id: lesson.id, content: text, reason, expected_version: lesson.version })));
    if (done) close();
  };
  return html`<${Dialog} title=${title || t("Edit {id}", { id: lesson.id })} close=${close}>
    <label>${t("The lesson")}<textarea rows="4" value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label>
    <p class="soft">${t("{n} of {m} words", { n: count, m: around.max_words })}${!save && text !== lesson.content ? " · " + t("Another text starts without evidence.") : ""}</p>
    <p class="preview"><${Diff} before=${lesson.content} after=${text} /></p>
    <label>${t("Why (kept in the history)")}<input value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
    ${state.problem && html`<${Trouble} problem=${state.problem} />`}
    <p class="actions"><button class="main" disabled=${state.busy || !text.trim()} onClick=${submit}>${t("Save")}</button><button onClick=${close}>${t("Cancel")}</button></p><//>`;
}

function Retire({ lesson, close }) {
  const [reason, setReason] = useState("");
  const [state, act] = useAct();
  const submit = async () => (await act(() => change("retire_experience", { id: lesson.id, reason, expected_version: lesson.version }))) && close();
  return html`<${Dialog} title=${t("Retire {id}?", { id: lesson.id })} close=${close}>
    <p><${Text} text=${lesson.content} /></p><p class="soft">${t("It is served no more. It stays in the history, and can be brought back.")}</p>
    <label>${t("Why (kept in the history)")}<input value=${reason} onInput=${(event) => setReason(event.target.value)} /></label>
    ${state.problem && html`<${Trouble} problem=${state.problem} />`}
    <p class="actions"><button class="main danger" disabled=${state.busy} onClick=${submit}>${t("Retire")}</button><button onClick=${close}>${t("Cancel")}</button></p><//>`;
}

function asMarkdown(lesson) {
  const lines = [`**${lesson.id}** ${lesson.content}`, ""];
  if (lesson.effect) {
    const words = effectWords(lesson.effect);
    lines.push(`- ${words.main} (${words.span}), ${lesson.effect.source}, n = ${lesson.effect.n}`);
  }
  if (lesson.decision) lines.push(`- ${lesson.decision.situation}`, ...lesson.decision.options.map((option) => `  - ${option.text}: ${option.attempts}, ${reward(option.mean)}`));
  lines.push(...lesson.versions.map((version) => `- r${version.revision} ${whole(version.at)} ${version.author}: ${version.after}`));
  return lines.join("\n");
}

