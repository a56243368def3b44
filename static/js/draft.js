// What is typed into a field with data-draft outlives a reload of the page, in this tab; it is forgotten with its field.
const KEY = "draft";

const kept = () => JSON.parse(sessionStorage.getItem(KEY) ?? "{}");

function restore() {
  const { id, text } = kept();
  const field = id && document.getElementById(id);
  if (field && !field.value) field.value = text;
  else if (id && !field) sessionStorage.removeItem(KEY);
}

export function start() {
  restore();
  document.addEventListener("input", ({ target }) => {
    if (target.matches("[data-draft]")) sessionStorage.setItem(KEY, JSON.stringify({ id: target.id, text: target.value }));
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    if (!document.getElementById(kept().id)) sessionStorage.removeItem(KEY);
  });
}
