// The graph of a program, drawn by cytoscape.js where dagre has placed it.

import { $, color } from "./base.js";

const HEIGHT = 28, LETTER = 6.8, PADDING = 22;
const READABLE = 0.35; // the zoom below which labels cannot be read
const MANY = 400; // nodes from which on moving is drawn in a cheaper way

let cy = null;
let worker = null;
let turn = 0;
let library = null;
let select = () => {};

function load() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/page/vendor/cytoscape.min.js";
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("the graph library is not there")));
    document.head.append(script);
  });
  return library;
}

function placed(boxes, edges) {
  worker ??= new Worker("/page/layout.js");
  const mine = ++turn;
  return new Promise((resolve, reject) => {
    worker.onerror = () => reject(new Error("the graph cannot be laid out"));
    worker.onmessage = ({ data }) => { if (data.turn === mine) resolve(data.places); };
    worker.postMessage({ turn: mine, boxes, edges });
  });
}

const width = (box) => Math.round(LETTER * box.text.length + PADDING);

// Draw a picture; `kinds` has the kind of each box, `chosen` is told which one was clicked.
export async function draw(picture, kinds, chosen) {
  select = chosen;
  const sizes = picture.boxes.map((box) => [width(box), HEIGHT]);
  const [places] = await Promise.all([placed(sizes, picture.edges), load()]);
  if (cy) cy.destroy();
  const many = places.length > MANY;
  const nodes = picture.boxes.map((box, index) => ({
    data: { id: "n" + index, index, label: box.text, width: sizes[index][0],
      find: [box.name, box.text, box.title].join("\n").toLowerCase() },
    position: { x: places[index][0], y: places[index][1] },
    classes: kinds[index] + (box.role === "check" ? " floating" : ""),
  }));
  const edges = picture.edges.map(([a, b], index) => ({
    data: { id: "e" + index, source: "n" + a, target: "n" + b },
    classes: picture.boxes[b].role === "check" ? "floating" : "",
  }));
  cy = window.cytoscape({
    container: $("canvas"), elements: { nodes, edges }, layout: { name: "preset" },
    style: style(many), minZoom: 0.02, maxZoom: 3, boxSelectionEnabled: false,
    autoungrabify: true, hideEdgesOnViewport: many, textureOnViewport: many,
    pixelRatio: many ? 1 : "auto",
  });
  cy.on("tap", "node", (event) => select(event.target.data("index")));
  begin();
}

// Everything, if labels can be read then; else the first check, or the first node.
function begin() {
  fit();
  if (cy.zoom() > READABLE) return;
  const first = cy.nodes(".inserted, .kept, .present, .proved, .removed, .changed").first();
  cy.zoom(2 * READABLE);
  cy.center(first.length ? first : cy.nodes().first());
}

function style(many) {
  const kinds = {
    input: "input", output: "input", operation: "plain", part: "plain", inserted: "inserted",
    present: "kept", kept: "kept", changed: "kept", proved: "proved", removed: "gone", unplaced: "gone",
  };
  return [
    { selector: "node", style: {
      shape: "round-rectangle", width: "data(width)", height: HEIGHT, label: "data(label)",
      "font-size": 11, "font-family": "ui-monospace, DejaVu Sans Mono, monospace",
      "text-valign": "center", "text-halign": "center", "border-width": 1,
      "min-zoomed-font-size": 7, color: color("ink"),
    } },
    ...Object.entries(kinds).map(([kind, tint]) => ({ selector: "node." + kind, style: {
      "background-color": color("g-" + tint), "border-color": color("g-" + tint + "-line"),
      ...(kind === "part" ? { color: color("dim"), "border-style": "dotted" } : {}),
      ...(tint !== "plain" && tint !== "input" ? { "border-width": 2 } : {}),
    } })),
    { selector: "node.floating", style: { "border-style": "dashed" } },
    { selector: "edge", style: {
      width: 1.2, "line-color": color("g-edge"), "target-arrow-color": color("g-edge"),
      "curve-style": many ? "haystack" : "bezier", "target-arrow-shape": many ? "none" : "triangle",
      "arrow-scale": 0.8,
    } },
    { selector: "edge.floating", style: { "line-style": "dashed" } },
    { selector: "node.found", style: { "border-width": 3, "border-color": color("accent") } },
    { selector: "node.chosen", style: { "border-width": 4, "border-color": color("accent"),
      "border-style": "solid", "overlay-color": color("accent"), "overlay-opacity": 0.12, "overlay-padding": 6 } },
    { selector: "edge.near", style: { width: 2.4, "line-color": color("accent"), "target-arrow-color": color("accent") } },
  ];
}

// The graph in a page that was hidden when it was drawn.
export function revealed() {
  if (!cy) return;
  cy.resize();
  begin();
}

export function recolor() { if (cy) cy.style(style(cy.nodes().length > MANY)); }

// Everything, but not larger than life.
export function fit() {
  if (!cy) return;
  cy.resize();
  cy.fit(undefined, 20);
  if (cy.zoom() > 1.1) cy.zoom({ level: 1.1, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  if (cy.zoom() > 1.1 || cy.elements().renderedBoundingBox().h < cy.height()) cy.center();
}

export function zoom(factor) {
  if (cy) cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
}

// Mark one node and what is beside it, and bring it into view.
export function choose(index) {
  if (!cy) return;
  cy.elements().removeClass("chosen near");
  const node = index === null ? cy.collection() : cy.$id("n" + index);
  if (!node.length) return;
  node.addClass("chosen").connectedEdges().addClass("near");
  const level = Math.min(1.1, Math.max(cy.zoom(), 0.75));
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  cy.stop().animate({ center: { eles: node }, zoom: level }, { duration: still ? 0 : 220 });
}

// The numbers of the nodes in which a text occurs.
export function search(text) {
  if (!cy) return [];
  cy.nodes().removeClass("found");
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = cy.nodes().filter((node) => node.data("find").includes(wanted));
  found.addClass("found");
  return found.map((node) => node.data("index"));
}

export function start() {
  const moves = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  $("canvas").addEventListener("keydown", (event) => {
    const [x, y] = moves[event.key] || [];
    if (cy && x !== undefined) cy.panBy({ x, y });
    else if (event.key === "+" || event.key === "=") zoom(1.3);
    else if (event.key === "-") zoom(1 / 1.3);
    else if (event.key === "0") fit();
    else return;
    event.preventDefault();
  });
  $("graph-in").addEventListener("click", () => zoom(1.3));
  $("graph-out").addEventListener("click", () => zoom(1 / 1.3));
  $("graph-fit").addEventListener("click", fit);
  addEventListener("resize", () => { if (cy) cy.resize(); });
}
