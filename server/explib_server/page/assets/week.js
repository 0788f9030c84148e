// This week: does it help, is it alive, what changed, what waits.
import { html } from "./html.js";
import { t, reward, number, said } from "./words.js";
import { useRead } from "./reading.js";
import { Text } from "./text.js";
import { DID, Empty, Forest, LessonLink, Status, Waiting, When, effectWords } from "./parts.js";
import { link } from "./route.js";

export function Week() {
  const found = useRead("week", {});
  const week = found.data;
  if (!week) return html`<${Waiting} found=${found} />`;
  return html`<${Headline} week=${week} />
    <${Heartbeat} week=${week} />
    ${week.lessons || week.attempts ? html`<div class="columns">
      <section><h2>${t("Changed in seven days")}</h2><${Changes} week=${week} /></section>
      <section><${Waits} week=${week} />
        ${week.best.length > 0 && html`<h2>${t("What attempts speak for most")}</h2><ul class="plain best">${week.best.map((lesson) => html`<${Best} lesson=${lesson} />`)}</ul>
        <p class="more"><a href=${link("lessons")}>${t("All {n|lesson|lessons}", { n: week.lessons })}</a></p>`}
      </section></div>` : html`<${FirstSteps} week=${week} />`}`;
}

function Headline({ week }) {
  const { uplift, proof, lessons, attempts } = week;
  const lift = uplift.lift || (proof && proof.effect);
  if (lift) {
    const n = number(Math.abs(lift.mean) * 100);
    const span = effectWords(lift).span;
    const text = lift.low <= 0 && lift.high >= 0 ? t("It is not known yet if lessons help: {n} of 100 tasks so far", { n: (lift.mean < 0 ? "−" : "+") + n })
      : lift.mean < 0 ? t("With lessons agents solve {n} fewer of 100 tasks", { n }) : t("With lessons agents solve {n} more of 100 tasks", { n });
    return html`<header class="headline"><h1>${text}</h1><p class="lead">${t("95 of 100 such intervals hold the truth: {span}.", { span })} ${uplift.lift ? t("From {n|reward|rewards}.", { n: uplift.rewards })
      : html`${t("Practice proved it at revision {r}: {n|pair|pairs} of attempts with and without them.", { r: String(proof.revision), n: proof.pairs })} <a href=${link("learner")}>${t("Practice")}</a>`}</p></header>`;
  }
  if (!lessons) return html`<header class="headline"><h1>${t("No lessons yet")}</h1>${!week.waits_for && html`<p class="lead">${t("The next graded attempts decide.")}</p>`}</header>`;
  return html`<header class="headline"><h1>${t("{n|lesson|lessons} from {m|attempt|attempts}, served as learned", { n: lessons, m: attempts })}</h1>
    <p class="lead">${t("What serving them changes is not measured:")} <code>explib practice --prove</code> ${t("measures it.")} <${Followed} way=${week.following} /></p></header>`;
}

function Followed({ way }) {
  if (!way.followed.graded) return null;
  const values = { n: way.followed.attempts, mean: reward(way.followed.mean), m: way.otherwise.attempts, other: reward(way.otherwise.mean) };
  return html`<span>${way.otherwise.graded ? t("Seen so far: lessons were followed {n|time|times} (mean reward {mean}) and not followed {m|time|times} ({other}).", values)
    : t("Seen so far: lessons were followed {n|time|times} (mean reward {mean}).", values)}</span>`;
}

function Heartbeat({ week }) {
  return html`<ol class="heartbeat" aria-label=${t("Signs of life")}>${week.heartbeat.map((pulse) => html`
    <li class=${pulse.late ? "late" : pulse.at ? "alive" : "quiet"}>
      <span class="name">${t(pulse.name)}${pulse.late && html` <span class="flag">${t("late")}</span>`}</span>
      <span class="at">${pulse.at ? html`<${When} at=${pulse.at} now=${week.now} />` : t("never")}</span>
      ${!pulse.late && pulse.what && html`<span class="what"><${Text} text=${pulse.what} /></span>`}
    </li>`)}</ol>
    ${week.heartbeat.map((pulse) => pulse.late && html`<p class="notice">▲ <b>${t(pulse.name)}</b>: <${Text} text=${said(pulse.cause)} />.<br/>→ <${Text} text=${said(pulse.cure)} /></p>`)}`;
}

const CHANGE_KINDS = { new: "New", improved: "Improved", taken_back: "Taken back", by_people: "By people" };

function Changes({ week }) {
  const kinds = Object.keys(CHANGE_KINDS).filter((kind) => week.changes[kind].count);
  if (!kinds.length) return html`<p class="soft">${t("Nothing changed: revision {n}.", { n: String(week.revision) })} <a href=${link("history")}>${t("History")}</a></p>`;
  return kinds.map((kind) => html`<h3>${t(CHANGE_KINDS[kind])} <span class="count">${number(week.changes[kind].count)}</span></h3>
    <ul class="plain changes">${week.changes[kind].shown.map((change) => html`<li>
      <${LessonLink} id=${change.id}><${Text} text=${change.content} code /><//>
      <span class="soft">${change.author ? t("{did} by {who}", { did: t(DID[change.kind]), who: change.author }) + " · " : ""}<a href=${link("history", String(change.revision))}>${t("revision {n}", { n: String(change.revision) })}</a> · <${When} at=${change.at} now=${week.now} /></span></li>`)}
    ${week.changes[kind].count > week.changes[kind].shown.length && html`<li class="soft">${t("and {n} more", { n: week.changes[kind].count - week.changes[kind].shown.length })}</li>`}</ul>`);
}

function Waits({ week }) {
  if (!week.waiting) return html`<p class="card calm">✓ ${t("Nothing waits for you.")}</p>`;
  return html`<a class="card ask" href=${link("review")}><span class="big">${number(week.waiting)}</span>
    <span>${t(week.waiting === 1 ? "proposal waits for your decision" : "proposals wait for your decision")}</span><span class="go">${t("Review")} →</span></a>`;
}

function Best({ lesson }) {
  const words = lesson.effect && effectWords(lesson.effect);
  return html`<li><${LessonLink} id=${lesson.id}><${Text} text=${lesson.content} code /><//>
    ${words && html`<${Forest} effect=${lesson.effect} /><span class="soft">${words.main} (${words.span})</span>`}
    ${lesson.status !== "active" && html`<${Status} status=${lesson.status} />`}</li>`;
}

function FirstSteps({ week }) {
  return html`<${Empty} title=${t("Three steps to the first lesson")}>
    <ol class="steps">
      <li>${t("Attach a client:")} <code>explib attach claude-code</code></li>
      <li>${t("Work as before. Each attempt is captured")} ${week.attempts ? "✓" : ""}</li>
      <li>${t("Say how it went:")} <code>explib reward last good</code>. ${t("Lessons come by themselves.")}</li>
    </ol>
    <p class="soft">${t("To see the page with data first:")} <code>explib ui --sample</code></p><//>`;
}
