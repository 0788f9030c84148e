// The one contract of the page, call(tool, args), over its two doors: HTTP on a server, messages inside a client.

export const framed = window.parent !== window;
const PROTOCOL = "2026-07-28";
const META = "io.modelcontextprotocol/";
const INFO = { name: "explib page", version: "1" };
const KEY = "explib.key";
let lastId = 0;

export class Problem extends Error {
  constructor(message, kind) {
    super(message);
    this.kind = kind || "said";
  }
}

// HTTP

const keyOf = () => sessionStorage.getItem(KEY);
const address = (path) => new URL(path, location.href.replace(/[?#].*/, ""));

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
}

async function swapCode() {
  const code = /^#code=([\w-]+)$/.exec(location.hash);
  if (!code) return;
  history.replaceState(null, "", location.pathname + "#/week");
  const answer = await fetch(address("ui/key"), { method: "POST", headers: { Authorization: "Bearer " + code[1] } });
  const body = await answer.json();
  if (!answer.ok) throw new Problem(body.problem, "key");
  useKey(body.key);
}

async function post(method, params, name, more) {
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "MCP-Protocol-Version": PROTOCOL,
    "Mcp-Method": method,
  };
  if (name) headers["Mcp-Name"] = name;
  if (keyOf()) headers.Authorization = "Bearer " + keyOf();
  const meta = {
    [META + "protocolVersion"]: PROTOCOL,
    [META + "clientInfo"]: INFO,
    [META + "clientCapabilities"]: {},
  };
  const body = JSON.stringify({ jsonrpc: "2.0", id: ++lastId, method, params: { ...params, _meta: meta } });
  let answer;
  try {
    answer = await fetch(address("mcp"), { method: "POST", headers, body, ...more });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("", "gone");
  }
  if (answer.status === 401 || answer.status === 403) throw new Problem("", "key");
  return answer;
}

function lastMessage(text, type) {
  if (!type.includes("event-stream")) return JSON.parse(text);
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return JSON.parse(lines[lines.length - 1].slice(5));
}

async function callByHttp(name, args, more) {
  const answer = await post("tools/call", { name, arguments: args }, name, more);
  const text = await answer.text();
  let message;
  try {
    message = lastMessage(text, answer.headers.get("content-type") || "");
  } catch {
    throw new Problem(text.slice(0, 300) || `HTTP ${answer.status}`);
  }
  if (message.error) throw new Problem(message.error.message);
  return message.result;
}

async function listenByHttp(uri, heard) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30000)) {
    try {
      const wanted = { notifications: { resourceSubscriptions: [uri()] } };
      const answer = await post("subscriptions/listen", wanted);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        wait = 1000;
        if (part.value.includes("resources/updated")) heard();
      }
    } catch (problem) {
      if (problem.kind === "key") return;
    }
    await new Promise((done) => setTimeout(done, wait));
  }
}

// Inside a client (MCP Apps, 2026-01-26)

const waiting = new Map();
let onContext = () => {};
let onTeardown = () => {};

function send(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

function request(method, params) {
  const id = ++lastId;
  send({ id, method, params });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function receive(event) {
  const message = event.data;
  if (event.source !== window.parent || !message || message.jsonrpc !== "2.0") return;
  if (message.method === undefined) {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (asked && message.error) asked.reject(new Problem(message.error.message));
    else if (asked) asked.resolve(message.result);
  } else if (message.method === "ui/notifications/host-context-changed") onContext(message.params || {});
  else if (message.id !== undefined) {
    if (message.method === "ui/resource-teardown") onTeardown();
    send({ id: message.id, result: {} });
  }
}

async function openInClient() {
  window.addEventListener("message", receive);
  const capabilities = { availableDisplayModes: ["inline", "fullscreen"] };
  const hello = { appInfo: INFO, appCapabilities: capabilities, protocolVersion: "2026-01-26" };
  const host = await request("ui/initialize", hello);
  send({ method: "ui/notifications/initialized" });
  const size = () => {
    const page = document.documentElement;
    send({ method: "ui/notifications/size-changed", params: { width: page.clientWidth, height: page.scrollHeight } });
  };
  new ResizeObserver(size).observe(document.body);
  onContext(host.hostContext || {});
}

// Both

export async function open(context, teardown) {
  onContext = context;
  onTeardown = teardown;
  if (framed) await openInClient();
  else {
    window.addEventListener("pagehide", teardown);
    await swapCode();
  }
}

export async function call(name, args, more) {
  const result = framed ? await request("tools/call", { name, arguments: args }) : await callByHttp(name, args, more);
  if (result.isError) throw new Problem(result.content.map((part) => part.text || "").join("\n").replace(/^Error executing tool \w+: /, ""));
  return result.structuredContent;
}

export async function read(view, args) {
  return (await call("page_read", { view, ...args })).data;
}

export function listen(uri, heard) {
  if (!framed) listenByHttp(uri, heard);
  setInterval(() => document.visibilityState === "visible" && heard("poll"), 30000);
}

export const fullScreen = () => request("ui/request-display-mode", { mode: "fullscreen" });
