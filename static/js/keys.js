// Single-key shortcuts: an element says its key with data-key, a field that wants focus with data-focus-key.
// They rest while somebody types or a dialog is open, and can be switched off (WCAG 2.1.4).
const OFF = "shortcuts-off";

const typing = (element) => element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const usable = (element) => element.checkVisibility() && !element.matches(":disabled");

function find(attribute, key) {
  const all = [...document.querySelectorAll(`[${attribute}="${CSS.escape(key)}"]`)].filter(usable);
  return all.find((element) => element.closest("details.menu[open] .menu-body")) ?? all[0];
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  const at = document.activeElement ?? document.body;
  if (event.key === "Escape") { if (typing(at)) at.blur(); return; }
  if (typing(at) || document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
  if (event.key === "?") { document.getElementById("shortcuts")?.showModal(); return; }
  const key = event.key.toLowerCase();
  const field = find("data-focus-key", key);
  const target = field ?? find("data-key", key);
  if (!target) return;
  event.preventDefault();
  if (field) field.focus();
  else target.click();
}

export function start() {
  document.addEventListener("keydown", pressed);
  const show = () => { document.documentElement.classList.toggle("keys-off", Boolean(localStorage.getItem(OFF))); };
  for (const box of document.querySelectorAll("[data-shortcuts-on]")) {
    box.checked = !localStorage.getItem(OFF);
    box.addEventListener("change", () => {
      if (box.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
      show();
    });
  }
  show();
}
