// Tabs, theme, links: what stands around the two parts of the page.

import { $, isDark, keep } from "./base.js";
import * as explore from "./explore.js";
import * as programs from "./programs.js";

const TABS = ["explore", "programs"];
let shown = "explore";

function show(tab, focus = false) {
  shown = tab;
  for (const one of TABS) {
    const chosen = one === tab;
    $(one).hidden = !chosen;
    $("tab-" + one).setAttribute("aria-selected", chosen);
    $("tab-" + one).tabIndex = chosen ? 0 : -1;
    if (chosen && focus) $("tab-" + one).focus();
  }
  remember();
  if (tab === "programs") programs.shown();
}

// The address has what is shown, so that it can be sent to somebody.
function remember() {
  const parts = shown === "explore" ? explore.state() : programs.state();
  history.replaceState(null, "", "#" + new URLSearchParams(parts));
}

function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (parts.has("programs")) {
    show("programs");
    programs.recall(parts);
    return;
  }
  if (!explore.recall(parts)) explore.example(1);
  show("explore");
}

function setTheme(theme) {
  if (theme) document.documentElement.setAttribute("data-theme", theme);
  $("theme").textContent = isDark() ? "Light" : "Dark";
  programs.recolor();
}

for (const tab of TABS) {
  $("tab-" + tab).addEventListener("click", () => show(tab));
  $("tab-" + tab).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    show(TABS[1 - TABS.indexOf(tab)], true);
  });
}
$("theme").addEventListener("click", () => {
  const theme = isDark() ? "light" : "dark";
  keep("theme", theme);
  setTheme(theme);
});
$("link").addEventListener("click", async () => {
  remember();
  try { await navigator.clipboard.writeText(location.href); $("link").textContent = "Copied"; }
  catch { $("link").textContent = "It is in the address bar"; }
  setTimeout(() => { $("link").textContent = "Copy link"; }, 1500);
});
document.addEventListener("keydown", (event) => {
  const digit = event.code.match(/^Digit([1-8])$/);
  if (event.altKey && !event.ctrlKey && !event.metaKey && digit) {
    event.preventDefault();
    show("explore");
    explore.example(Number(digit[1]) - 1);
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(null));
addEventListener("hashchange", recall);
$("key").addEventListener("input", () => explore.soon());
explore.start(remember);
programs.start(remember);
setTheme(null);
recall();
