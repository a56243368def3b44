// Menus are <details class="menu">: this closes them where a person expects it. Dialogs open and close by attributes.
export function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}

// A dialog whose content is on its way opens empty: what it showed last is no answer, and would take the focus with it.
export function openDialog(opener) {
  const dialog = document.getElementById(opener.dataset.open);
  const content = opener.hasAttribute("hx-target") && dialog?.querySelector(opener.getAttribute("hx-target"));
  if (content && !content.querySelector(".htmx-request")) content.replaceChildren();
  dialog?.showModal();
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
    const closer = event.target.closest("[data-close], [data-close-valid]");
    if (closer && (closer.hasAttribute("data-close") || closer.form.reportValidity())) setTimeout(() => closer.closest("dialog")?.close());
    const opener = event.target.closest("[data-open]");
    if (opener) openDialog(opener);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}
