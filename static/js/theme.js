// Light, dark, or as the system says: one button goes through the three. Who is signed in has it on the server; the
// browser remembers it for the pages before that.
const ORDER = ["auto", "light", "dark"];
const root = document.documentElement;

function apply(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    button.setAttribute("aria-label", button.dataset[theme]);
    button.title = button.dataset[theme];
  }
}

function remember() {
  for (const name of ["theme", "contrast"]) localStorage.setItem(name, root.dataset[name] ?? "");
}

export function start() {
  apply(root.dataset.theme || "auto");
  if ("user" in root.dataset) remember();
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-next]")) return;
    const next = ORDER[(ORDER.indexOf(root.dataset.theme || "auto") + 1) % ORDER.length];
    apply(next);
    remember();
    htmx.ajax("POST", "/preferences/look/", { source: document.body, swap: "none", values: { theme: root.dataset.theme ?? "" } });
  });
}
