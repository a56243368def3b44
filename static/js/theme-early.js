/* Before anything is painted: a page before sign-in looks as this browser did last. Classic and tiny on purpose: it blocks. */
(function () {
  var look = document.documentElement.dataset;
  try {
    if (!("user" in look)) ["theme", "contrast"].forEach(function (name) { look[name] = localStorage.getItem(name) || ""; });
  } catch (error) { /* no storage: as the system says */ }
})();
