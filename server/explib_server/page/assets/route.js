// Where the reader is: view, id and filters, in the address where there is one of our own.
import { framed } from "./door.js";

let inside = "#/week";
const routeListeners = new Set();

const hash = () => (framed ? inside : location.hash || "#/week");

export function route() {
  const [path, query] = hash().slice(2).split("?");
  const [view, id] = path.split("/");
  return { view: view || "week", id: decodeURIComponent(id || ""), ...Object.fromEntries(new URLSearchParams(query || "")) };
}

export function link(view, id, filters) {
  const library = route().library;
  const kept = Object.entries({ ...(library && { library }), ...filters }).filter(([, value]) => value);
  const query = new URLSearchParams(kept).toString();
  return `#/${view}${id ? "/" + encodeURIComponent(id) : ""}${query ? "?" + query : ""}`;
}

export function go(target, replace) {
  if (framed) {
    inside = target;
    routeListeners.forEach((listener) => listener());
  } else if (replace) {
    history.replaceState(null, "", target);
    routeListeners.forEach((listener) => listener());
  } else location.hash = target;
}

export function onRoute(listener) {
  routeListeners.add(listener);
}

window.addEventListener("hashchange", () => routeListeners.forEach((listener) => listener()));
document.addEventListener("click", (event) => {
  const anchor = event.target.closest && event.target.closest("a[href^='#/']");
  if (!anchor || !framed) return;
  event.preventDefault();
  go(anchor.getAttribute("href"));
});
