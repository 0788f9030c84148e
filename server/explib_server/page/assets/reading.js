// Reading a view's data: again when the library changed, without taking away what stands there.
import { useEffect, useRef, useState } from "preact/hooks";
import { call, read } from "./door.js";
import { route } from "./route.js";

const listeners = new Set();
let tick = 0;

// Everything that is shown is read again.
export function refresh() {
  tick++;
  listeners.forEach((listener) => listener(tick));
}

export function useTick() {
  const [seen, setSeen] = useState(tick);
  useEffect(() => {
    listeners.add(setSeen);
    return () => listeners.delete(setSeen);
  }, []);
  return seen;
}

export function withLibrary(args) {
  const library = route().library;
  return library ? { library, ...args } : args;
}

// The first view is asked for before anything is drawn.
let early = null;

export function ahead(view) {
  const asked = withLibrary({});
  early = { key: JSON.stringify([view, asked]), answer: read(view, asked) };
  early.answer.catch(() => {}); // who draws the view hears of it
}

function first(key) {
  const found = early && early.key === key ? early.answer : null;
  early = null;
  return found;
}

export function useRead(view, args) {
  const [found, setFound] = useState({ key: "", data: null, problem: null });
  const seen = useTick();
  const asked = withLibrary(args);
  const key = JSON.stringify([view, asked]);
  const newest = useRef("");
  useEffect(() => {
    newest.current = key;
    (first(key) || read(view, asked)).then(
      (data) => newest.current === key && setFound({ key, data, problem: null }),
      (problem) => newest.current === key && setFound({ key, data: null, problem }),
    );
  }, [key, seen]);
  return found.key === key || (found.data && view !== "attempt" && view !== "lesson") ? found : { key, data: null, problem: null };
}

// A change by a curating tool; what is shown follows.
export async function change(tool, args) {
  const done = await call(tool, withLibrary(args));
  refresh();
  return done;
}
