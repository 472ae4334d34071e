"use strict";
// Before anything is drawn, so that the page does not flash in the other theme.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.setAttribute("data-theme", theme);
} catch { /* not allowed to remember */ }
