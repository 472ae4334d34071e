// The graph of a program, drawn by cytoscape.js where dagre has placed it.

import { $, color } from "./base.js";

const HEIGHT = 28, LETTER = 6.8, PADDING = 22;
const READABLE = 0.35; // the zoom below which labels cannot be read
const PART = 120; // elements that are added at a time
const CHECKS = /inserted|kept|present|proved|removed|changed/;
const MANY = 400; // nodes from which on moving is drawn in a cheaper way

let cy = null;
let first = null; // the node at which a large graph begins
let extent = null; // of all nodes: left, top, right, bottom
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
  $("canvas").setAttribute("aria-busy", "true");
  const sizes = picture.boxes.map((box) => [width(box), HEIGHT]);
  const [places] = await Promise.all([placed(sizes, picture.edges), load()]);
  const mine = turn;
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
    container: $("canvas"), layout: { name: "preset", fit: false },
    style: style(many), minZoom: 0.02, maxZoom: 3, boxSelectionEnabled: false,
    autoungrabify: true, hideEdgesOnViewport: many, textureOnViewport: many,
    pixelRatio: many ? 1 : "auto",
  });
  const xs = places.map(([x]) => x), ys = places.map(([, y]) => y);
  const half = Math.max(...sizes.map(([one]) => one)) / 2;
  extent = [Math.min(...xs) - half, Math.min(...ys) - HEIGHT, Math.max(...xs) + half, Math.max(...ys) + HEIGHT];
  cy.on("tap", "node", (event) => select(event.target.data("index")));
  begin(nodes.find(({ classes }) => CHECKS.test(classes)) || nodes[0]);
  // A part at a time, so that the page answers between them.
  for (const part of [nodes, edges]) {
    for (let at = 0; at < part.length; at += PART) {
      if (mine !== turn) return;
      cy.add(part.slice(at, at + PART));
      await new Promise(requestAnimationFrame);
    }
  }
  $("canvas").removeAttribute("aria-busy");
}

// Everything, if labels can be read then; else the first check, or the first node.
function begin(node) {
  first = node;
  fit();
  if (cy.zoom() > READABLE) return;
  const { x, y } = first.position, level = 2 * READABLE;
  cy.viewport({ zoom: level, pan: { x: cy.width() / 2 - level * x, y: cy.height() / 3 - level * y } });
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
  begin(first);
}

export function recolor() { if (cy) cy.style(style(cy.nodes().length > MANY)); }

// Everything, but not larger than life. (The library's own way measures every label.)
export function fit() {
  if (!cy) return;
  cy.resize();
  const [left, top, right, bottom] = extent;
  const level = Math.min(1.1, cy.width() / (right - left), cy.height() / (bottom - top));
  cy.viewport({ zoom: level, pan: { x: cy.width() / 2 - level * (left + right) / 2,
    y: cy.height() / 2 - level * (top + bottom) / 2 } });
}

export function zoom(factor) {
  if (cy) cy.stop().zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
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
