// A proof as a tree: the method and its facts, then the certificate, step by step.

import { $, make } from "./base.js";

export function showProof(proof) {
  $("proof").hidden = false;
  const facts = make("ul", { class: "tree" });
  for (const fact of proof.facts) {
    facts.append(make("li", {}, make("span", { class: "tag", text: fact.origin }),
      make("code", { text: fact.text }), " ", make("span", { class: "hint", text: fact.location || "" })));
  }
  const tree = make("details", { open: "" }, make("summary", {}, "By ", make("b", { text: proof.method })));
  if (facts.children.length) tree.append(facts);
  if (proof.certificate) tree.append(node(proof.certificate, "Certificate"));
  $("proof-tree").replaceChildren(tree);
  tree.addEventListener("toggle", offer, true);
  offer();
}

const closed = () => [...$("proof-tree").querySelectorAll("details:not([open])")];

// What the two buttons would do now.
function offer() {
  const left = closed().length;
  $("proof-next").disabled = !left;
  $("proof-all").textContent = left ? "Open all" : "Close all";
}

$("proof-next").addEventListener("click", () => {
  const [next] = closed().filter((one) => !one.parentElement.closest("details:not([open])"));
  if (!next) return;
  next.open = true;
  next.firstChild.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
});

$("proof-all").addEventListener("click", () => {
  const left = closed();
  const all = left.length ? left : $("proof-tree").querySelectorAll("details details");
  for (const one of all) one.open = left.length > 0;
});

// One object of a certificate; its parts open one by one.
function node(data, label) {
  const texts = ["claim", "conclusion", "schema", "rule", "method"].filter((one) => typeof data[one] === "string");
  const head = make("summary", {}, make("span", { class: "tag", text: label || data.kind }));
  if (label) head.append(data.kind + " ");
  head.append(make("code", { text: texts.map((one) => data[one]).join(" · ") }));
  if (data.kind === "combination") {
    const sum = data.parts.map(([factor, step]) => factor + "×(" + step + ")").join(" + ");
    head.append(make("code", { text: sum + (data.divisor === 1 ? "" : ", all divided by " + data.divisor) }));
  }
  if (data.kind === "premise") {
    const why = { goal: "the claim, denied", fact: "a fact", range: "a range" }[data.source];
    const from = data.facts.length ? ", from " + data.facts.join("; ") : "";
    head.append(make("span", { class: "hint", text: " " + why + from }));
    return make("div", {}, ...head.childNodes);
  }
  const inner = make("ul", { class: "tree" });
  for (const [name, value] of Object.entries(data)) {
    if (name === "kind" || texts.includes(name) || data.kind === "combination") continue;
    const part = child(name, value);
    if (part) inner.append(make("li", {}, part));
  }
  if (!inner.children.length) return make("div", {}, ...head.childNodes);
  return make("details", {}, head, inner);
}

function child(name, value) {
  if (value === null || (Array.isArray(value) && !value.length)) return null;
  if (Array.isArray(value) && value.some((one) => one && typeof one === "object" && one.kind)) {
    const list = make("ul", { class: "tree" });
    value.forEach((one, index) => list.append(make("li", {}, numbered(one, index))));
    return list;
  }
  if (typeof value === "object" && value.kind) return node(value, null);
  return make("span", {}, make("span", { class: "tag", text: name }),
    make("code", { text: typeof value === "string" ? value : JSON.stringify(value) }));
}

function numbered(one, index) {
  const made = node(one, null);
  const head = made.tagName === "DETAILS" ? made.firstChild : made;
  head.prepend("(" + index + ") ");
  return made;
}
