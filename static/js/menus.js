// Menus are <details class="menu">: this closes them where a person expects it. Dialogs open and close by attributes.
export function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

export function start() {
  // The second click of a double click is not meant for the button that has come there meanwhile.
  document.addEventListener("click", (event) => {
    if (event.detail > 1 && event.target.closest("[data-once]")) { event.preventDefault(); event.stopPropagation(); }
  }, true);
  document.addEventListener("click", (event) => {
    const menu = event.target.closest("details.menu");
    closeMenus(menu);
    if (menu && event.target.closest(".menu-item")) menu.open = false;
    // After the form was sent: closing moves the focus, and htmx would forget which button it was.
    if (event.target.closest("[data-close]")) setTimeout(() => event.target.closest("dialog")?.close());
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open)?.showModal();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}
