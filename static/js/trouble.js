// The banner at the top: one line for each kind of trouble that is on, gone when it is over. Its words are the page's
// (templates/_trouble.html), so that they are in the reader's language.
const on = new Map();
const banner = document.getElementById("trouble");

function show() {
  const text = [...on.values()].map(words).join(" ");
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = on.size === 0;
}

// The words themselves, for who fills in a number.
export const words = (name) => banner.dataset[name] ?? name;
export function say(kind, name) { on.set(kind, name); show(); }
export function clear(kind) { if (on.delete(kind)) show(); }
