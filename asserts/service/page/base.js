// What the parts of the page share: nodes, requests, problems.

export const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// A node with attributes; `text` is its text, `on` what a click does.
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "text") node.textContent = value;
    else if (name === "on") node.addEventListener("click", value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function svg(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export function legend(list, entries) {
  list.replaceChildren(...entries.map(([kind, text]) => make("li", {},
    make("span", { class: "swatch " + kind, "aria-hidden": "true" }), text)));
}

// Integers that JavaScript cannot hold stay text.
function exact(key, value, context) {
  const large = typeof value === "number" && !Number.isSafeInteger(value);
  return large && context && /^-?\d+$/.test(context.source) ? context.source : value;
}

// The answer to a request; throws an error with the problem document, the status and the
// seconds after which to come again.
export async function request(path, options = {}) {
  const headers = { ...options.headers };
  if ($("key").value) headers.Authorization = "Bearer " + $("key").value.trim();
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  let found = {};
  try { found = await response.json(); } catch { /* not ours */ }
  if (response.status === 401 || response.status === 403) {
    $("key-field").hidden = false;
    $("key-error").textContent = found.detail || "An API key is needed.";
  }
  throw Object.assign(new Error(found.detail || "HTTP " + response.status),
    { problem: found, status: response.status, after: Number(response.headers.get("Retry-After")) });
}

export async function json(path, options) {
  return JSON.parse(await (await request(path, options)).text(), exact);
}

export function post(path, body, signal) {
  return json(path, { method: "POST", signal, body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" } });
}

export const ask = async (verb, body, signal) => (await post("/v1/" + verb, body, signal)).answers;

export function keep(name, value) { try { localStorage.setItem(name, value); } catch { /* no */ } }

export function isDark() {
  const chosen = document.documentElement.getAttribute("data-theme");
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// The value of a colour variable of the style sheet.
export const color = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
