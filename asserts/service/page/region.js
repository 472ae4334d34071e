// The values that the facts leave to two symbols, as a picture with the counterexample in it.
// The server answers with a grid of cells; here it is drawn.

import { $, ask, legend, make, svg } from "./base.js";

const LEFT = 56, BOTTOM = 38, TOP = 26, RIGHT = 14;
const KINDS = { "+": "holds", "-": "fails", "~": "mixed", o: "possible" };
const SAYS = {
  holds: "the claim holds", fails: "the claim fails", mixed: "it depends, or is not decided",
  possible: "possible",
};

let asked = { names: [] };
let chosen = { x: "", y: "" }; // what a person has chosen
let area = null; // the window, if it is not the whole
let drawn = null;
let WIDTH = 640, HEIGHT = 300; // in pixels of the page

// The two symbols: those that were chosen, else the first two of the claim, else of all.
function pair() {
  const used = asked.names.filter((name) => new RegExp("\\b" + name + "\\b").test(asked.claim));
  const order = [...used, ...asked.names.filter((name) => !used.includes(name))];
  const x = asked.names.includes(chosen.x) ? chosen.x : order.find((name) => name !== chosen.y);
  const y = asked.names.includes(chosen.y) && chosen.y !== x ? chosen.y : order.find((name) => name !== x);
  return [x, y];
}

// What a link says of the choice, and the choice of a link.
export const choice = () => Object.entries(chosen).filter(([, name]) => asked.names.includes(name));

export function choose(x, y) {
  chosen = { x: x || "", y: y || "" };
  area = null;
}

// What is asked about from now on.
export function pick(question) {
  const same = asked.names.join() === question.names.join();
  asked = question;
  area = same ? area : null;
  $("region").hidden = asked.names.length < 2;
  if (asked.names.length < 2) return;
  const [x, y] = pair();
  for (const [id, name] of [["region-x", x], ["region-y", y]]) {
    $(id).replaceChildren(...asked.names.map((one) => make("option", { value: one, text: one })));
    $(id).value = name;
  }
}

export async function showRegion(signal) {
  if (asked.names.length < 2) return;
  const question = asked;
  const [x, y] = pair();
  const include = {};
  for (const values of [asked.answer?.counterexample, asked.answer?.witness]) {
    for (const name of [x, y]) {
      const value = values?.[name];
      if (Number.isSafeInteger(value) && Math.abs(value) > Math.abs(include[name] ?? 0)) include[name] = value;
    }
  }
  const body = { ...asked.known, x, y, include };
  if (asked.claim) body.claims = asked.claim;
  if (area) body.window = area;
  try {
    const [found] = await ask("region", body, signal);
    if (question === asked) draw(found);
  } catch (error) {
    if (error.name === "AbortError" || question !== asked) return;
    $("region-picture").replaceChildren(make("p", { class: "hint", text: error.message.split("\n")[0] }));
  }
}

// ------------------------------------------------------------------ drawing

// From values to pixels: the cells fill the picture.
function scale(side, from, to) {
  const low = Number(side.low), size = Number(side.high) - low + 1;
  return (value) => from + (to - from) * (Number(value) - low) / size;
}

function draw(found) {
  const { across, along } = found;
  WIDTH = Math.max(260, $("region-picture").clientWidth);
  HEIGHT = WIDTH < 480 ? 240 : 320;
  const x = scale(across, LEFT, WIDTH - RIGHT), y = scale(along, HEIGHT - BOTTOM, TOP);
  const rows = found.rows.map(settled);
  const picture = svg("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, role: "img",
    class: "region", "aria-label": spoken(found, rows) }, hatch());
  picture.append(svg("rect", { class: "impossible", x: LEFT, y: TOP,
    width: WIDTH - LEFT - RIGHT, height: HEIGHT - TOP - BOTTOM }));
  const end = (side, index) =>
    Math.min(Number(side.low) + index * Number(side.step), Number(side.high) + 1);
  rows.forEach((row, j) => {
    for (const run of row.matchAll(/([^ ])\1*/g)) {
      const kind = KINDS[run[1]];
      const left = x(end(across, run.index)), right = x(end(across, run.index + run[0].length));
      const high = y(end(along, j + 1)), low = y(end(along, j));
      const place = { x: left, y: high, width: right - left + 0.4, height: low - high + 0.4,
        "shape-rendering": "crispEdges" };
      picture.append(svg("rect", { class: "cell " + kind, ...place }));
      if (kind === "fails") picture.append(svg("rect", { fill: "url(#hatch)", ...place }));
    }
  });
  picture.append(...axis(found, x, y), ...points(found, x, y));
  $("region-picture").replaceChildren(picture);
  drawn = { found, rows };
  picture.addEventListener("pointermove", read);
  picture.addEventListener("pointerleave", note);
  entries(rows);
  note();
  const exact = [across, along].every((s) => Number.isSafeInteger(s.low) && Number.isSafeInteger(s.high));
  for (const id of ["region-in", "region-out"]) $(id).disabled = !exact;
  $("region-all").disabled = !area;
}

// What is proved for all values holds in every cell.
function settled(row) {
  const { answer } = asked;
  if (!answer || answer.premises.length) return row;
  if (answer.status === "always") return row.replaceAll("~", "+");
  return answer.status === "never" ? row.replaceAll("~", "-") : row;
}

function hatch() {
  return svg("defs", {}, svg("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)" }, svg("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 })));
}

function ticks(side) {
  const low = Number(side.low), high = Number(side.high);
  const rough = (high - low) / 5 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].find((one) => one * power >= rough) * power);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high && found.length < 9; at += step) found.push(at);
  return found;
}

function short(value) {
  const size = Math.abs(value);
  if (size >= 1e15) return value.toExponential(1);
  for (const [unit, one] of [["G", 1e9], ["M", 1e6], ["k", 1e4]]) {
    if (size >= one) return +(value / (unit === "k" ? 1e3 : one)).toFixed(2) + unit;
  }
  return String(value);
}

function axis(found, x, y) {
  const parts = [
    svg("line", { class: "frame", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    svg("line", { class: "frame", x1: LEFT, x2: LEFT, y1: TOP, y2: HEIGHT - BOTTOM }),
    svg("text", { class: "name", x: WIDTH - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, found.x),
    svg("text", { class: "name", x: LEFT - 4, y: TOP - 10, "text-anchor": "middle" }, found.y),
  ];
  for (const at of ticks(found.across)) {
    parts.push(svg("line", { class: "frame", x1: x(at), x2: x(at), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
      svg("text", { class: "tick", x: x(at), y: HEIGHT - BOTTOM + 17, "text-anchor": "middle" }, short(at)));
  }
  for (const at of ticks(found.along)) {
    parts.push(svg("line", { class: "frame", x1: LEFT - 4, x2: LEFT, y1: y(at), y2: y(at) }),
      svg("text", { class: "tick", x: LEFT - 8, y: y(at) + 4, "text-anchor": "end" }, short(at)));
  }
  return parts;
}

// The counterexample is a star, the values for which the claim holds a disc.
function points(found, x, y) {
  const parts = [];
  for (const [kind, values] of [["witness", asked.answer?.witness], ["counterexample", asked.answer?.counterexample]]) {
    const at = values && [values[found.x], values[found.y]];
    if (!at || at.includes(undefined) || !inside(found.across, at[0]) || !inside(found.along, at[1])) continue;
    const [px, py] = [x(Number(at[0]) + 0.5), y(Number(at[1]) + 0.5)];
    parts.push(svg("path", { class: kind, transform: "translate(" + px + " " + py + ")",
      d: kind === "witness" ? "M0-5.5A5.5 5.5 0 1 1 0 5.5A5.5 5.5 0 1 1 0-5.5Z" : star(10) },
    svg("title", {}, kind + ": " + found.x + " = " + at[0] + ", " + found.y + " = " + at[1])));
  }
  return parts;
}

const inside = (side, value) =>
  Number(side.low) <= Number(value) && Number(value) <= Number(side.high);

function star(radius) {
  const corners = Array.from({ length: 10 }, (_, i) => {
    const r = i % 2 ? radius * 0.45 : radius, angle = Math.PI * (i / 5 - 0.5);
    return (r * Math.cos(angle)).toFixed(2) + " " + (r * Math.sin(angle)).toFixed(2);
  });
  return "M" + corners.join("L") + "Z";
}

function entries(rows) {
  const all = rows.join("");
  const shown = Object.entries(KINDS).filter(([cell]) => all.includes(cell))
    .map(([, kind]) => [kind, SAYS[kind]]);
  if (all.includes(" ")) shown.push(["impossible", "excluded by the facts"]);
  for (const kind of ["counterexample", "witness"]) {
    if ($("region-picture").querySelector("path." + kind)) {
      shown.push([kind, kind === "witness" ? "it holds here" : "counterexample"]);
    }
  }
  legend($("region-legend"), shown);
}

function spoken(found, rows) {
  const all = rows.join("");
  const parts = Object.entries(KINDS).map(([cell, kind]) => [all.split(cell).length - 1, SAYS[kind]])
    .filter(([count]) => count).map(([count, says]) => says + " in " + count + " cells");
  const over = found.x + " from " + found.across.low + " to " + found.across.high + ", " +
    found.y + " from " + found.along.low + " to " + found.along.high;
  return "Region of " + over + ": " + (parts.join(", ") || "nothing is possible");
}

function note() {
  const { found } = drawn;
  const cell = [found.across.step, found.along.step].map(Number);
  const size = cell[0] * cell[1] > 1 ? "A cell is " + short(cell[0]) + " × " + short(cell[1]) + " values. " : "";
  $("region-note").textContent = size + (found.complete ? "" : "Not everything was decided: zoom in. ");
}

// What is under the pointer.
function read(event) {
  const { found, rows } = drawn;
  const box = event.currentTarget.getBoundingClientRect();
  const px = (event.clientX - box.left) * WIDTH / box.width, py = (event.clientY - box.top) * HEIGHT / box.height;
  const part = (side, share) => Math.floor(share * (Number(side.high) - Number(side.low) + 1) / Number(side.step));
  const i = part(found.across, (px - LEFT) / (WIDTH - LEFT - RIGHT));
  const j = part(found.along, (HEIGHT - BOTTOM - py) / (HEIGHT - TOP - BOTTOM));
  const cell = rows[j]?.[i];
  if (cell === undefined) { note(); return; }
  const span = (side, index) => {
    const low = Number(side.low) + index * Number(side.step);
    const high = Math.min(low + Number(side.step) - 1, Number(side.high));
    return low === high ? low : low + "…" + high;
  };
  $("region-note").textContent = found.x + " = " + span(found.across, i) + ", " + found.y + " = " +
    span(found.along, j) + ": " + (cell === " " ? "excluded by the facts" : SAYS[KINDS[cell]]);
}

// ------------------------------------------------------------------ zoom

function zoom(factor) {
  if (!drawn) return;
  const { found } = drawn;
  const example = asked.answer?.counterexample || {};
  area = [[found.across, found.x], [found.along, found.y]].flatMap(([side, name]) => {
    const value = example[name];
    const centre = factor < 1 && inside(side, value ?? NaN) ? value : Math.round((side.low + side.high) / 2);
    const half = Math.max(4, Math.round((side.high - side.low + 1) * factor / 2));
    const low = factor < 1 ? Math.max(side.low, centre - half) : centre - half;
    return [low, low + 2 * half - 1];
  });
  showRegion();
}

new ResizeObserver(() => {
  const width = $("region-picture").clientWidth;
  if (drawn && width && Math.abs(width - WIDTH) > 1) draw(drawn.found);
}).observe($("region-picture"));

for (const [id, axisName] of [["region-x", "x"], ["region-y", "y"]]) {
  $(id).addEventListener("change", () => {
    const [x, y] = pair();
    const other = axisName === "x" ? "y" : "x";
    if ($(id).value === (axisName === "x" ? y : x)) chosen[other] = axisName === "x" ? x : y;
    chosen[axisName] = $(id).value;
    area = null;
    pick(asked);
    showRegion();
  });
}
$("region-in").addEventListener("click", () => zoom(0.5));
$("region-out").addEventListener("click", () => zoom(2));
$("region-all").addEventListener("click", () => { area = null; showRegion(); });
