// Review: one proposal at a time, by keys, each decision taken back for ten seconds.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { t, number, said } from "./words.js";
import { call } from "./door.js";
import { change, refresh, useRead, withLibrary } from "./reading.js";
import { Text, Diff } from "./text.js";
import { Dialog, Empty, LessonLink, Trouble, Waiting, useKeys } from "./parts.js";
import { Edit, Grounds } from "./lesson.js";

const UNDO_SECONDS = 10;

// What was decided and not sent yet. It outlives the view: leaving it does not lose a decision.
const pending = { decision: null, timer: 0, listeners: new Set() };
const tell = () => pending.listeners.forEach((listener) => listener({}));

export function flush(more) {
  const { decision } = pending;
  clearTimeout(pending.timer);
  pending.decision = null;
  if (!decision) return Promise.resolve();
  return call("review_experience", decision.args, more).then(() => refresh(), (problem) => {
    pending.problem = problem;
    refresh();
  }).finally(tell);
}

function decide(decision) {
  const sent = flush();
  pending.problem = null;
  pending.decision = decision;
  pending.timer = setTimeout(flush, UNDO_SECONDS * 1000);
  tell();
  return sent;
}

function undo() {
  clearTimeout(pending.timer);
  pending.decision = null;
  tell();
}

export function PendingBar() {
  const [, redraw] = useState({});
  useEffect(() => {
    pending.listeners.add(redraw);
    return () => pending.listeners.delete(redraw);
  }, []);
  useKeys({ u: () => (pending.decision ? undo() : false) });
  if (!pending.decision) return null;
  const { args } = pending.decision;
  return html`<div class="undo" role="status"><span>${args.decision === "approve" ? t("{id} is approved.", { id: args.id }) : t("{id} is rejected.", { id: args.id })}</span>
    <button onClick=${undo}>${t("Undo")} <kbd>u</kbd></button><span class="clock" key=${args.id} aria-hidden="true"></span></div>`;
}

export function Review({ around }) {
  const found = useRead("review", {});
  const [, redraw] = useState({});
  const [at, setAt] = useState(0);
  useEffect(() => {
    pending.listeners.add(redraw);
    return () => pending.listeners.delete(redraw);
  }, []);
  const list = found.data;
  if (!list) return html`<${Waiting} found=${found} />`;
  const decided = pending.decision && pending.decision.args.id;
  const open = list.waiting.filter((id) => id !== decided);
  const trouble = pending.problem && html`<${Trouble} problem=${pending.problem} />`;
  if (!open.length) return html`<h1>${t("Review")}</h1>${trouble}<${Empty} title=${"✓ " + t("Nothing waits for you.")}><p class="soft">${list.review ? t("Every change waits here before it is served.") : t("Lessons go live at once; what agents propose waits here.")}</p><//>`;
  const index = Math.min(at, open.length - 1);
  return html`<h1>${t("Review")} <small class="soft">${t("{n} of {m}", { n: index + 1, m: open.length })}</small></h1>${trouble}
    <${Proposal} key=${open[index]} id=${open[index]} around=${around} index=${index} last=${open.length - 1} move=${setAt} />`;
}

function Proposal({ id, around, index, last, move }) {
  const found = useRead("proposed", { id });
  const [dialog, setDialog] = useState("");
  const proposal = found.data && found.data.id === id ? found.data : null;
  const may = around.may_curate && around.person;
  const send = (decision, more) => decide({ args: withLibrary({ id, decision, ...more }) });
  const editable = proposal && proposal.content;
  useKeys({
    a: () => may && proposal && send("approve"),
    e: () => may && editable && setDialog("edit"),
    r: () => may && proposal && setDialog("reject"),
    j: () => move(Math.min(last, index + 1)),
    k: () => move(Math.max(0, index - 1)),
  });
  if (!proposal) return html`<${Waiting} found=${found} />`;
  const [before] = proposal.before;
  return html`<article class="proposal"><p class="signs"><span class="mono soft">${id}</span> <span class="chip waiting">${t(PROPOSAL_KINDS[proposal.kind])}</span>
      <span class="soft">${proposal.analyst === "agent" ? t("proposed by an agent") : t("proposed by the learner")}</span></p>
    <p class="statement">${before && proposal.content ? html`<${Diff} before=${before.content} after=${proposal.content} />` : before ? html`<del><${Text} text=${before.content} /></del>` : html`<${Text} text=${proposal.content} code />`}</p>
    <p class="soft"><${Text} text=${said(proposal.reason)} /></p>${proposal.waits && html`<p class="notice">${t("Why you are asked:")} <${Text} text=${proposal.waits} /></p>`}
    ${may ? html`<p class="actions"><button class="main" onClick=${() => send("approve")}>${t("Approve")} <kbd>a</kbd></button>
      ${editable && html`<button onClick=${() => setDialog("edit")}>${t("Edit")} <kbd>e</kbd></button>`}
      <button onClick=${() => setDialog("reject")}>${t("Reject")} <kbd>r</kbd></button>
      ${last > 0 && html`<button onClick=${() => move(index < last ? index + 1 : 0)}>${t("Next")} <kbd>j</kbd></button>`}</p>`
      : html`<p class="notice">${t("Only a person decides: open the page by `explib ui`, or with a token of scope curate.")}</p>`}
    ${!proposal.decision && proposal.for + proposal.against > 0 && html`<p class="counts"><b>${number(proposal.for)}</b> ${t("attempts for it")} · <b>${number(proposal.against)}</b> ${t("against")}</p>`}
    ${proposal.alike.length > 0 && html`<h3>${t("Much like it")}</h3><ul class="plain">${proposal.alike.map((lesson) => html`<li><span class="mono soft">${lesson.id}</span> <${LessonLink} id=${lesson.id}><${Text} text=${lesson.content} code /><//></li>`)}</ul>`}
    <${Grounds} lesson=${proposal} />
    ${dialog === "edit" && html`<${Edit} lesson=${proposal} around=${around} title=${t("Approve {id} in other words", { id })} close=${() => setDialog("")}
      save=${(content, reason) => change("review_experience", { id, decision: "approve", content, reason })} />`}
    ${dialog === "reject" && html`<${Reject} id=${id} send=${(reason) => send("reject", reason && { reason })} close=${() => setDialog("")} />`}</article>`;
}

const PROPOSAL_KINDS = { ADD: "new lesson", MODIFY: "other words", MERGE: "merge", DELETE: "retire", KEEP: "keep" };

function Reject({ id, send, close }) {
  const [reason, setReason] = useState("");
  const submit = () => {
    close();
    send(reason);
  };
  return html`<${Dialog} title=${t("Reject {id}?", { id })} close=${close}>
    <label>${t("Why (the learner does not repeat it at once)")}<input value=${reason} onInput=${(event) => setReason(event.target.value)} onKeyDown=${(event) => event.key === "Enter" && submit()} /></label>
    <p class="actions"><button class="main danger" onClick=${submit}>${t("Reject")}</button><button onClick=${close}>${t("Cancel")}</button></p><//>`;
}
