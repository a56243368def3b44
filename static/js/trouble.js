// The banner at the top: one line for each kind of trouble that is on, gone when it is over.
const on = new Map();

function show() {
  const banner = document.getElementById("trouble");
  banner.textContent = [...on.values()].join(" ");
  banner.hidden = on.size === 0;
}

export function say(kind, words) { on.set(kind, words); show(); }
export function clear(kind) { if (on.delete(kind)) show(); }
