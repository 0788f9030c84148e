// Templates without a build: htm reads them, Preact draws them. Text is always set as text.
import htm from "htm";
import { h } from "preact";

export const html = htm.bind(h);
