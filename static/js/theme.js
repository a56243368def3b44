// Light, dark, or as the system says: one button goes through the three; the choice stays in this browser.
const ORDER = ["auto", "light", "dark"];
const WORDS = { auto: "Theme: as the system says", light: "Theme: light", dark: "Theme: dark" };

function chosen() {
  const stored = localStorage.getItem("theme");
  return ORDER.includes(stored) ? stored : "auto";
}

function apply(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    button.setAttribute("aria-label", `${WORDS[theme]}. Change`);
    button.title = WORDS[theme];
  }
}

export function start() {
  apply(chosen());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-next]")) return;
    const next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    localStorage.setItem("theme", next);
    apply(next);
  });
}
