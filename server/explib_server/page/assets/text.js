// Texts of others, as text: what would hide or reorder is shown by its code point. And what differs between two.
import { useMemo } from "preact/hooks";
import { html } from "./html.js";

const HIDDEN = /(?<![\p{Extended_Pictographic}\u{FE0F}\u{1F3FB}-\u{1F3FF}])\u200D|(?!\u200D)[\p{Cf}\u2028\u2029\u115F\u1160\u3164\uFFA0]|(?![\n\t\r])\p{Cc}/gu;

function shown(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) parts.push(text.slice(from, match.index));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    parts.push(html`<span class="hidden-char" title=${"U+" + code}>U+${code}</span>`);
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

// `code`: what stands between backticks is set as code.
export function Text({ text, code }) {
  const parts = code ? text.split(/`([^`\n]{1,80})`/) : [text];
  return html`<span class="text">${parts.map((part, index) => (index % 2 ? html`<code>${shown(part)}</code>` : shown(part)))}</span>`;
}

function words(text) {
  if (!Intl.Segmenter) return text.split(/(\s+)/);
  return [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(text)].map((part) => part.segment);
}

// The longest common subsequence of two lists: [left or null, right or null] by place; the same places are equal.
export function aligned(left, right, same) {
  const width = right.length + 1;
  const best = new Uint32Array((left.length + 1) * width);
  for (let i = left.length - 1; i >= 0; i--)
    for (let j = right.length - 1; j >= 0; j--)
      best[i * width + j] = same(left[i], right[j])
        ? best[(i + 1) * width + j + 1] + 1
        : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
  const pairs = [];
  let i = 0, j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && same(left[i], right[j])) pairs.push([i++, j++]);
    else if (j >= right.length || (i < left.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) pairs.push([i++, null]);
    else pairs.push([null, j++]);
  }
  return pairs;
}

export function Diff({ before, after }) {
  const parts = useMemo(() => {
    const [old, now] = [words(before), words(after)];
    const found = [];
    for (const [i, j] of aligned(old, now, (a, b) => a === b)) {
      const kind = j === null ? "del" : i === null ? "ins" : "same";
      const piece = j === null ? old[i] : now[j];
      const last = found[found.length - 1];
      if (last && last.kind === kind) last.text += piece;
      else found.push({ kind, text: piece });
    }
    return found;
  }, [before, after]);
  return html`<span class="diff">${parts.map(({ kind, text }) =>
    kind === "del" ? html`<del><${Text} text=${text} /></del>`
      : kind === "ins" ? html`<ins><${Text} text=${text} /></ins>` : html`<${Text} text=${text} />`)}</span>`;
}
