/* Applies the chosen theme before anything is painted. Classic and tiny on purpose: it blocks. */
(function () {
  try {
    var chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (error) { /* no storage: as the system says */ }
})();
