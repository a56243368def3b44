// The command bar (Ctrl-K): a combobox with a list that the server makes. Focus stays in the field; arrows move through
// the list, Enter does what is chosen: presses the desk's own button, asks the server, opens the panel or a page.
import { openDialog } from "./menus.js";

const bar = document.getElementById("command");
const text = document.getElementById("command-text");
const list = document.getElementById("command-list");
const options = () => [...list.querySelectorAll("[role=option]:not([aria-disabled])")];
const chosen = () => list.querySelector("[aria-selected=true]");

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  if (option) text.setAttribute("aria-activedescendant", option.id);
  else text.removeAttribute("aria-activedescendant");
}

function open() {
  text.value = "";
  list.replaceChildren();
  choose(null);
  bar.showModal();
  htmx.trigger(text, "again");
}

function run(option) {
  const { press, href } = option.dataset;
  bar.close();
  if (href) location.assign(href);
  else if (press) document.getElementById(press)?.click();
  else {
    if ("open" in option.dataset) openDialog(option);
    htmx.trigger(option, "run");
  }
}

export function start() {
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (bar.open) bar.close();
    else if (!document.querySelector("dialog[open]")) open();
  });
  text.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + (at < 1 ? all.length : 0), PageDown: all.length - 1, PageUp: 0 }[event.key];
    if (to !== undefined && all.length) { event.preventDefault(); choose(all[to % all.length]); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); if (all[at]) run(all[at]); }
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]:not([aria-disabled])");
    if (option) { event.stopPropagation(); run(option); }
  });
  list.addEventListener("htmx:afterSettle", (event) => { if (event.target === list) choose(options()[0]); });
}
