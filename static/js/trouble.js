// The banner at the top: one line for each kind of trouble that is on, gone when it is over. Its words are the page's.
const on = new Map();
const banner = document.getElementById("trouble");

function show() {
  const words = [...on.values()].map((name) => banner.dataset[name] ?? name).join(" ");
  if (banner.textContent !== words) banner.textContent = words;
  banner.hidden = on.size === 0;
}

export function say(kind, name) { on.set(kind, name); show(); }
export function clear(kind) { if (on.delete(kind)) show(); }
