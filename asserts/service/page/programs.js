// Programs: upload one, follow the job, and look at its graph, its checks and its contract.

import { $, json, legend, make, post, request } from "./base.js";
import * as chart from "./chart.js";

const STAGES = {
  uploading: "Uploading", queued: "Waiting for a worker", running: "Started", inspecting: "Inspecting the file",
  loading: "Loading", working: "Working on its checks", saving: "Saving the result", drawing: "Drawing",
  done: "Done", failed: "Failed", cancelled: "Stopped", stopping: "The service is stopping",
};
const ORDER = ["uploading", "queued", "inspecting", "loading", "working", "saving", "done"];
const WORDS = {
  inserted: "inserted", present: "already there", proved: "proved", kept: "kept", removed: "removed",
  changed: "changed", unplaced: "without a place",
};
const MOST_ROWS = 300;

let remember = () => {};
let program = null; // the uploaded one: id, name, kind
let job = null;
let report = null;
let turn = 0; // whatever belongs to an earlier run is not shown
let rows = [];
let fitted = true;

// ------------------------------------------------------------------ running

async function take(file) {
  const mine = begin(file.name);
  try {
    progress("uploading");
    const name = file.name.replace(/[^\w .+-]/g, "_").slice(-120);
    const sent = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } };
    program = await json("/v1/programs?name=" + encodeURIComponent(name), sent);
    if (mine === turn) await work(mine);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

async function run() {
  if (!program) return;
  const mine = begin(program.name);
  try { await work(mine); } catch (error) { if (mine === turn) fail(error); }
}

// A new run: what was shown of the last one goes.
function begin(name) {
  for (const id of ["graph", "report", "detail", "contract"]) $(id).hidden = true;
  $("drop-name").textContent = name;
  $("run").disabled = true;
  return ++turn;
}

async function work(mine) {
  job = await post("/v1/jobs", { verb: $("verb").value, program: program.id });
  remember();
  await finish(mine);
}

// Follow the job to its end, and show what came of it.
async function finish(mine) {
  $("stop").hidden = false;
  job = await followed(job, (event) => { if (mine === turn) progress(event.stage); });
  if (mine !== turn) return;
  $("stop").hidden = true;
  $("run").disabled = false;
  if (job.state !== "done") {
    fail(job.problem ? new Error(job.problem.title + ": " + job.problem.detail) : new Error(STAGES[job.state]));
    return;
  }
  const found = await json(job.report);
  if (mine === turn) await show(found, mine);
}

function fail(error) {
  $("stop").hidden = true;
  $("run").disabled = !program;
  $("progress").replaceChildren(make("p", { class: "error", role: "alert", text: error.message }));
}

// Server-sent events, read by hand: an EventSource could not send the key.
async function followed(begun, tell) {
  const path = "/v1/jobs/" + begun.id;
  for (;;) {
    const response = await request(path + "/events");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let left = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const parts = (left + value).split("\n\n");
      left = parts.pop();
      for (const part of parts) {
        const line = part.split("\n").find((one) => one.startsWith("data: "));
        if (line) tell(JSON.parse(line.slice(6)));
      }
    }
    const now = await json(path);
    if (["done", "failed", "cancelled"].includes(now.state)) return now;
    await new Promise((again) => setTimeout(again, 1000)); // (the service was stopped, say)
  }
}

function progress(stage) {
  const at = Math.max(0, ORDER.indexOf(stage));
  const bar = make("progress", { max: ORDER.length - 1, value: at, "aria-label": "Progress" });
  $("progress").replaceChildren(bar, make("span", { text: STAGES[stage] || stage }));
}

// ------------------------------------------------------------------ showing

async function show(found, mine) {
  report = found;
  const checks = found.report.checks;
  const words = found.picture ? found.picture.words : [];
  rows = checks.map((check, index) => ({ ...check, words: words[index] || check.condition }));
  const total = rows.length + (rows.length === 1 ? " check" : " checks");
  $("progress").replaceChildren(make("span", { class: "done", "aria-hidden": "true", text: "✓" }),
    make("span", { text: "Done: " + program.name + ", " + total + (job.cached ? " (known from before)" : "") }));
  showRows();
  showDownloads();
  showContract(found.picture);
  if (program.kind === "onnx") contractOf(mine).catch(() => {});
  if (found.picture && found.picture.boxes.length) await showGraph(found.picture, mine);
}

function kindOf(box) {
  if (box.check === undefined) return box.role === "assert" ? "kept" : box.role;
  return rows[box.check].outcome;
}

async function showGraph(picture, mine) {
  $("graph").hidden = false;
  const kinds = picture.boxes.map(kindOf);
  try {
    await chart.draw(picture, kinds, chooseNode);
  } catch (error) {
    if (mine === turn) fail(error);
    return;
  }
  fitted = !$("programs").hidden;
  const there = Object.keys(WORDS).filter((kind) => kinds.includes(kind));
  const shown = there.map((kind) => ["g " + kind, WORDS[kind]]);
  if (kinds.includes("part")) shown.push(["g part", "only for asserts"]);
  if (picture.left_out) shown.push(["none", picture.left_out + " nodes far from checks are not shown"]);
  legend($("graph-legend"), [["g input", "inputs, outputs"], ...shown]);
  search();
}

function showRows(all = false) {
  $("report").hidden = false;
  const counts = Object.entries(report.report.counts);
  $("counts").replaceChildren(...counts.map(([kind, count]) =>
    make("span", { class: "badge " + kind, text: count + " " + (WORDS[kind] || kind) })));
  if (!rows.length) {
    $("rows").replaceChildren(make("li", { class: "hint", text: "There is nothing to check in this program." }));
    return;
  }
  const shown = all ? rows : rows.slice(0, MOST_ROWS);
  $("rows").replaceChildren(...shown.map(rowOf));
  if (shown.length < rows.length) {
    $("rows").append(make("li", {}, make("button", { type: "button",
      text: "Show all " + rows.length, on: () => showRows(true) })));
  }
}

function rowOf(row, index) {
  const where = [row.place ? "behind " + row.place : "at entry", row.line].filter(Boolean).join(" · ");
  return make("li", {}, make("button", { type: "button", class: "check", "aria-pressed": "false",
    on: () => chooseRow(index) },
  make("span", { class: "badge " + row.outcome, text: WORDS[row.outcome] || row.outcome }),
  make("code", { text: row.condition }), make("span", { class: "hint", text: where })));
}

function chooseRow(index) {
  const boxes = report.picture ? report.picture.boxes : [];
  const node = boxes.findIndex((box) => box.check === index);
  chosen(index, node < 0 ? null : node);
}

function chooseNode(node) {
  const { check } = report.picture.boxes[node];
  chosen(check === undefined ? null : check, node);
}

function chosen(row, node) {
  [...$("rows").querySelectorAll("button.check")].forEach((one, index) => {
    one.setAttribute("aria-pressed", index === row);
    if (index === row) one.scrollIntoView({ block: "nearest" });
  });
  chart.choose(node);
  $("detail").hidden = false;
  $("detail-head").textContent = row === null ? "Node" : "Check";
  const box = node === null ? null : report.picture.boxes[node];
  $("detail-body").replaceChildren(...(row === null ? [] : ofRow(rows[row])), ...(box ? ofBox(box, row) : []));
}

function fields(entries) {
  const list = make("dl", {});
  for (const [name, value, code] of entries) {
    if (!value) continue;
    list.append(make("dt", { text: name }),
      make("dd", {}, typeof value === "string" ? make(code ? "code" : "span", { text: value }) : value));
  }
  return list;
}

function ofRow(row) {
  const code = (row.location || "").replace(/^.*?:\d+( in [^:]*)?(: )?/, "");
  const parts = [
    make("p", { class: "said" }, make("span", { class: "badge " + row.outcome, text: WORDS[row.outcome] || row.outcome }),
      " ", make("span", { text: row.words })),
    fields([["Condition", row.condition, true], ["Stated by", row.stated_by], ["Message", row.message],
      ["Stands", row.place ? "behind " + row.place : "at entry"], ["Line", row.line, true],
      ["Code", code && code !== row.line ? make("pre", { text: code }) : "", true],
      ["Cost", row.nodes ? row.nodes + (row.nodes === 1 ? " node" : " nodes") : ""], ["Note", row.note]]),
  ];
  if (row.proof) parts.push(proofOf(row.proof));
  return parts;
}

function proofOf(proof) {
  const facts = make("ul", { class: "tree" });
  for (const fact of proof.facts) {
    facts.append(make("li", {}, make("span", { class: "tag", text: fact.origin }),
      make("code", { text: fact.text }), " ", make("span", { class: "hint", text: fact.location || "" })));
  }
  return make("details", { open: "" }, make("summary", {}, "Proved by ", make("b", { text: proof.method })),
    proof.facts.length ? facts : make("p", { class: "hint", text: "It needs no facts." }));
}

function ofBox(box, row) {
  if (box.role === "check") return [];
  return [fields([["Node", box.name, true], ["Computes", box.title, true], ["Result", box.shape, true],
    ["Line", row === null ? box.line || "" : "", true]])];
}

// ------------------------------------------------------------------ contract, downloads

function showContract(picture) {
  const inputs = (picture ? picture.boxes : []).filter((box) => box.role === "input");
  const entry = rows.filter((row) => !row.place && row.outcome !== "removed");
  $("contract").hidden = !inputs.length && !entry.length;
  const list = make("ul", { class: "plain" }, ...inputs.map((box) => make("li", {},
    make("code", { text: box.text.split(":")[0] }), box.shape ? " is " : "", make("code", { text: box.shape || "" }))));
  const unique = [...new Map(entry.map((row) => [row.words, row])).values()];
  $("contract-body").replaceChildren(list, ...said(unique.map((row) => row.words), "Every call must satisfy:"));
}

function said(words, head) {
  if (!words.length) return [];
  return [make("p", { text: head }), make("ul", { class: "plain" }, ...words.map((one) => make("li", { text: one })))];
}

// What an ONNX model accepts is a question of its own.
async function contractOf(mine) {
  const begun = await post("/v1/jobs", { verb: "contract", program: program.id });
  const ended = await followed(begun, () => {});
  if (mine !== turn || ended.state !== "done") return;
  const found = await json(ended.report);
  if (mine !== turn) return;
  const names = Object.keys(found.dimensions || {});
  const free = found.words.length ? [] : [make("p", { text: "Every size of " + (names.join(", ") || "its inputs") + " is accepted." })];
  const inputs = $("contract-body").firstChild;
  $("contract-body").replaceChildren(...(inputs ? [inputs] : []), ...free,
    ...said(found.words, "The model accepts sizes for which"),
    ...said([...new Set((found.data_dependent || []).map((one) => one.reason + " (" + one.node + "): " + one.condition))].slice(0, 40),
      "While it runs, it also needs"),
    ...said((found.notes || []).slice(0, 20), "Not known, or taken for granted"));
}

function showDownloads() {
  const stem = program.name.replace(/\.[^.]*$/, "");
  const offers = [];
  if (job.result) offers.push(["Program", job.result, stem + "." + job.verb + "." + program.kind]);
  offers.push(["Report", job.report, stem + ".report.json"],
    ["SARIF", job.report + "?format=sarif", stem + ".sarif"]);
  $("downloads").replaceChildren(...offers.map(([text, path, name]) => make("button", { type: "button",
    text: "↓ " + text, "aria-label": "Download: " + text, on: () => download(path, name) })));
}

async function download(path, name) {
  const content = await (await request(path)).blob();
  const link = make("a", { href: URL.createObjectURL(content), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ------------------------------------------------------------------ search

let hits = [];
let hit = -1;

function search() {
  hits = chart.search($("find").value);
  hit = -1;
  $("found").textContent = $("find").value.trim() ? hits.length + " found" : "";
}

function nextHit(event) {
  if (event.key !== "Enter" || !hits.length) return;
  hit = (hit + (event.shiftKey ? hits.length - 1 : 1)) % hits.length;
  chooseNode(hits[hit]);
  $("found").textContent = hit + 1 + " of " + hits.length;
}

// ------------------------------------------------------------------ start

export const state = () => [["programs", job ? job.id : ""]];

export async function recall(parts) {
  const id = parts.get("programs");
  if (!id || (job && job.id === id)) return;
  const mine = begin("…");
  try {
    job = await json("/v1/jobs/" + encodeURIComponent(id));
    program = await json("/v1/programs/" + job.program);
    $("drop-name").textContent = program.name;
    $("verb").value = job.verb;
    remember();
    await finish(mine);
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

export function recolor() { chart.recolor(); }

// A graph that was drawn while it was hidden has had no size.
export function shown() {
  if (!fitted) { fitted = true; chart.revealed(); }
}

async function sample() {
  try {
    const content = await (await request("/page/sample.json")).blob();
    await take(new File([content], "route_tokens.json"));
  } catch (error) { fail(error); }
}

export function start(remembering) {
  remember = remembering;
  chart.start();
  const drop = $("drop");
  $("file").addEventListener("change", () => { if ($("file").files[0]) take($("file").files[0]); });
  for (const kind of ["dragover", "dragenter"]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
  $("run").addEventListener("click", run);
  $("sample").addEventListener("click", sample);
  $("stop").addEventListener("click", () => {
    if (job) request("/v1/jobs/" + job.id, { method: "DELETE" }).catch(() => {});
  });
  $("find").addEventListener("input", search);
  $("find").addEventListener("keydown", nextHit);
}
