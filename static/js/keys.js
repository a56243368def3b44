// Single-key shortcuts: an element says its action with data-key (the action's default key), a field that wants focus
// with data-focus-key. A person's own keys come with the page. They rest while somebody types or a dialog is open, and
// can be switched off (WCAG 2.1.4).
const root = document.documentElement;
const own = JSON.parse(document.body.dataset.keys || "0") || {};
const meanings = new Map(Object.entries(own).map(([action, key]) => [key, action]));

// (A field of a dialog that was just closed has the focus for a moment still, and nobody types there.)
const typing = (element) => element.checkVisibility()
  && element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const usable = (element) => element.checkVisibility() && !element.matches(":disabled");

function find(attribute, action) {
  const all = [...document.querySelectorAll(`[${attribute}="${CSS.escape(action)}"]`)].filter(usable);
  return all.find((element) => element.closest("details.menu[open] .menu-body")) ?? all[0];
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  const at = document.activeElement ?? document.body;
  if (event.key === "Escape") { if (typing(at) && !at.closest("dialog")) at.blur(); return; }
  if (typing(at) || document.querySelector("dialog[open]") || root.classList.contains("keys-off")) return;
  if (event.key === "?") { document.getElementById("shortcuts")?.showModal(); return; }
  const key = event.key.toLowerCase();
  const action = meanings.get(key) ?? (key in own ? null : key);
  if (action === null) return; // this default was given another key
  const field = find("data-focus-key", action);
  const target = field ?? find("data-key", action);
  if (!target) return;
  event.preventDefault();
  if (field) field.focus();
  else target.click();
}

export function start() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-shortcuts-on]")) root.classList.toggle("keys-off", !event.target.checked);
  });
}
