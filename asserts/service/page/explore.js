// Questions about symbols: asked while one types, answered beside it.

import { $, ask, make, svg } from "./base.js";
import { choice, choose, pick, showRegion } from "./region.js";
import { showProof } from "./proof.js";

const EXAMPLES = [
  { name: "Attention tiling", symbols: "s:1..131072\nunbacked t", facts: "s % 128 == 0\nt == s//128",
    claims: "t*128 == s" },
  { name: "Ragged packing", symbols: "rows:1..64\nunbacked total", facts: "total <= 512*rows",
    claims: "total < 600*rows" },
  { name: "Paged cache", symbols: "len:1..100000\nunbacked pages",
    facts: "pages == (len + 15)//16", claims: "len <= 16*pages" },
  { name: "Image crop", symbols: "h:224..4096\nunbacked top", facts: "top < h",
    claims: "top + 224 <= h" },
  { name: "Reshape", symbols: "b:1..512\ns:1..8192", facts: "", claims: "b*s*64 // (s*64) == b" },
  { name: "Convolution sizes", symbols: "h:7..4096\nw:7..4096", facts: "",
    claims: "(h + 2*3 - 7)//2 + 1 == (h - 1)//2 + 1" },
  { name: "Padding to a multiple", symbols: "n:0..1000000\nunbacked m", facts: "m == (n + 7)//8*8",
    claims: "m - n <= 7" },
  { name: "int64 overflow", symbols: "b:1..65536\ns:1..10000000", facts: "",
    claims: "b*s*s*4 <= 9223372036854775807" },
];
const WORDS = { always: "Always", never: "Never", depends: "Depends", unknown: "Unknown" };
const SAYS = {
  always: "The claim follows from the facts.",
  never: "The claim contradicts the facts.",
  depends: "It holds for some values and fails for others.",
  unknown: "Neither a proof nor a counterexample was found.",
};
const FIELDS = ["symbols", "facts", "claims"];
const PAUSE = 200; // milliseconds without typing before a question is asked

let remember = () => {};
let turn = 0;
let running = null;
let timer = 0;

// ------------------------------------------------------------------ what is asked

// The symbols that are declared, with their kinds.
function declared(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = line.trim().match(/^(?:(size|int|unbacked|bool|float)\s+)?([A-Za-z_]\w*)/);
    if (match && !found.has(match[2])) found.set(match[2], match[1] || "size");
  }
  return found;
}

export function soon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, PAUSE);
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++turn;
  if (running) running.abort();
  running = new AbortController();
  const signal = running.signal;
  const known = { symbols: $("symbols").value, facts: $("facts").value };
  const claim = $("claims").value.trim();
  const own = declared(known.symbols);
  remember();
  mark();
  $("verdict").setAttribute("aria-busy", "true");
  const [verdict, ranges] = await Promise.allSettled([
    claim ? ask("prove", { ...known, claims: claim }, signal) : Promise.resolve(null),
    own.size ? ask("bounds", { ...known, expressions: [...own.keys()] }, signal) : Promise.resolve([]),
  ]);
  if (mine !== turn) return;
  $("verdict").removeAttribute("aria-busy");
  const failed = [verdict, ranges].find((one) => one.status === "rejected");
  const problem = failed ? failed.reason : null;
  showProblem(problem);
  const answer = verdict.value ? verdict.value[0] : null;
  showVerdict(answer, problem, claim);
  showRanges(ranges.value || [], answer);
  const integers = [...own].filter(([, kind]) => kind !== "bool" && kind !== "float");
  const asked = { known, claim: problem ? "" : claim, answer, names: integers.map(([name]) => name) };
  pick(problem ? { ...asked, names: [] } : asked);
  await Promise.all([showRegion(signal), suggest(known, claim, answer, signal, mine)]);
}

async function suggest(known, claim, answer, signal, mine) {
  $("suggest").hidden = true;
  if (!answer || (answer.status !== "depends" && answer.status !== "unknown")) return;
  try {
    const [found] = await ask("suggest", { ...known, claims: claim }, signal);
    if (mine === turn) showSuggestions(found.suggestions);
  } catch { /* the verdict stands without them */ }
}

// ------------------------------------------------------------------ what is shown

function showProblem(error) {
  for (const field of FIELDS) {
    $(field + "-error").textContent = "";
    $(field + "-field").removeAttribute("data-bad");
    $(field).removeAttribute("aria-invalid");
  }
  if (!error) return;
  if (error.status === 429) { setTimeout(soon, 1000 * (error.after || 1)); return; }
  const problem = error.problem || {};
  const field = FIELDS.find((one) => (problem.pointer || "").startsWith("/" + one));
  if (!field) return;
  const line = problem.line ? "line " + problem.line + ", " : "";
  $(field + "-error").textContent = line + error.message;
  $(field + "-field").setAttribute("data-bad", "");
  $(field).setAttribute("aria-invalid", "true");
}

function showVerdict(answer, error, claim) {
  const box = $("verdict");
  box.replaceChildren();
  $("proof").hidden = true;
  if (!answer) {
    box.removeAttribute("data-status");
    const text = error ? error.message.split("\n")[0] : "Write a claim, or take an example.";
    box.append(make("p", { class: "word", text: error ? "No answer" : "Shapeproof" }),
      make("p", { text }));
    return;
  }
  box.setAttribute("data-status", answer.status);
  box.append(make("p", { class: "word", text: WORDS[answer.status] }),
    make("p", { text: SAYS[answer.status] }));
  if (answer.counterexample) box.append(put(claim, answer.counterexample, "fails"));
  if (answer.witness) box.append(put(claim, answer.witness, "holds"));
  if (answer.premises.length) {
    box.append(make("p", { text: "Assuming that it has a value: " + answer.premises.join(", ") }));
  }
  if (answer.tried.length) {
    box.append(make("p", { class: "hint", text: "Tried: " + answer.tried.join("; ") }));
  }
  if (answer.proof) showProof(answer.proof);
}

// The claim with the values in place of its symbols.
function put(claim, values, what) {
  const box = make("div", { class: "put " + what });
  const shown = Object.entries(values).map(([name, value]) => name + " = " + value).join(", ");
  box.append(make("div", { class: "hint", text: "It " + what + " for " + (shown || "every value") }));
  const line = make("div", { class: "code" });
  let last = 0;
  for (const match of claim.matchAll(/[A-Za-z_]\w*/g)) {
    if (!Object.hasOwn(values, match[0])) continue;
    const value = String(values[match[0]]);
    line.append(claim.slice(last, match.index),
      make("b", { text: value.startsWith("-") ? "(" + value + ")" : value }));
    last = match.index + match[0].length;
  }
  line.append(claim.slice(last));
  box.append(line);
  return box;
}

function showSuggestions(found) {
  $("suggest").hidden = !found.length;
  $("suggestions").replaceChildren(...found.map((one) => make("button", {
    type: "button", class: "code", text: one.text, on: () => add(one.text) })));
}

function add(fact) {
  const before = $("facts").value.trimEnd();
  $("facts").value = before ? before + "\n" + fact : fact;
  grow();
  refresh();
  $("facts").focus();
}

// ------------------------------------------------------------------ ranges

const squeeze = (x) => Math.sign(x) * Math.log1p(Math.abs(Number(x)));
const open = (end) => end === null || end === undefined;

// All bars are on one line, logarithmic on both sides of 0.
function showRanges(found, answer) {
  $("known").hidden = !found.length;
  const ends = [0];
  const example = (answer && answer.counterexample) || {};
  for (const one of found) {
    for (const end of [one.lower, one.upper, example[one.expression]]) {
      if (!open(end) && typeof end !== "boolean") ends.push(squeeze(end));
    }
  }
  const numbers = ends.filter(Number.isFinite);
  const low = Math.min(...numbers), high = Math.max(...numbers, low + 1);
  const place = (x) => 6 + 88 * (squeeze(x) - low) / (high - low);
  $("ranges").replaceChildren(...found.flatMap((one) => rangeRow(one, place, example)));
}

function rangeRow(one, place, example) {
  let ends = one.kind === "bool" ? boolWords(one)
    : (open(one.lower) ? "−∞" : one.lower) + " … " + (open(one.upper) ? "∞" : one.upper);
  if (one.congruence && Number(one.congruence.modulus) > 1) {
    ends += "  ≡ " + one.congruence.residue + " mod " + one.congruence.modulus;
  }
  const still = { "vector-effect": "non-scaling-stroke" };
  const picture = svg("svg", { viewBox: "0 0 100 26", preserveAspectRatio: "none", role: "img",
    "aria-label": one.expression + " in " + ends },
  svg("line", { class: "axis", x1: 0, x2: 100, y1: 13, y2: 13, ...still }),
  svg("line", { class: "zero", x1: place(0), x2: place(0), y1: 5, y2: 21, ...still }));
  if (one.kind !== "bool") {
    const left = open(one.lower) || !Number.isFinite(Number(one.lower)) ? 0 : place(one.lower);
    const right = open(one.upper) || !Number.isFinite(Number(one.upper)) ? 100 : place(one.upper);
    picture.append(svg("rect",
      { class: "span", x: left, y: 8, width: Math.max(right - left, 0.8), height: 10, rx: 0.6 }));
  }
  const value = example[one.expression];
  if (value !== undefined && typeof value !== "boolean") {
    picture.append(svg("rect", { class: "mark", x: place(value) - 0.5, y: 2, width: 1, height: 22, ...still }));
    ends += "   here " + value;
  }
  return [make("code", { text: one.expression }), picture, make("span", { class: "ends", text: ends })];
}

function boolWords(one) {
  return one.lower === one.upper ? String(one.lower) : "false or true";
}

// ------------------------------------------------------------------ links and examples

export const state = () => [...FIELDS.map((one) => [one, $(one).value]), ...choice()];

export function recall(parts) {
  if (![...parts.keys()].some((one) => FIELDS.includes(one))) return false;
  for (const field of FIELDS) $(field).value = parts.get(field) || "";
  choose(parts.get("x"), parts.get("y"));
  grow();
  refresh();
  return true;
}

export function example(index) {
  for (const field of FIELDS) $(field).value = EXAMPLES[index][field];
  choose();
  grow();
  refresh();
}

// The example that is shown is marked.
function mark() {
  [...$("examples").children].forEach((button, index) => button.setAttribute("aria-pressed",
    FIELDS.every((field) => $(field).value === EXAMPLES[index][field])));
}

// Fields are as high as their text.
function grow() {
  for (const field of ["symbols", "facts"]) {
    $(field).rows = Math.min(12, Math.max(3, $(field).value.split("\n").length + 1));
  }
}

export function start(remembering) {
  remember = remembering;
  $("examples").append(...EXAMPLES.map((one, index) => make("button",
    { type: "button", text: one.name, on: () => example(index) })));
  for (const field of FIELDS) $(field).addEventListener("input", () => { grow(); soon(); });
  for (const id of ["region-x", "region-y"]) $(id).addEventListener("change", () => remember());
  $("claims").addEventListener("keydown", (event) => { if (event.key === "Enter") refresh(); });
}
