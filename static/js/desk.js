// The agent desk: a live screen with keys.
import * as command from "./command.js";
import * as draft from "./draft.js";
import * as keys from "./keys.js";
import * as live from "./live.js";

// What needs the switch is off while that is gone, in what was loaded aside of the pushes, too.
function followTheSwitch() {
  const gone = document.getElementById("switch-down");
  for (const one of document.querySelectorAll("[data-needs-switch]")) {
    if (one.hasAttribute("aria-describedby") === Boolean(gone)) continue;
    one.disabled = Boolean(gone);
    one.title = gone?.querySelector("strong").textContent ?? "";
    if (gone) one.setAttribute("aria-describedby", gone.id);
    else one.removeAttribute("aria-describedby");
  }
}

live.start("desk");
for (const name of ["wsAfterMessage", "afterSwap"]) document.addEventListener(`htmx:${name}`, followTheSwitch);
draft.start();
keys.start();
command.start();
