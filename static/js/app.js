// What every page has: theme, timers, menus, and words for a request that failed.
import * as menus from "./menus.js";
import * as theme from "./theme.js";
import * as timers from "./timers.js";
import { say, clear } from "./trouble.js";

theme.start();
timers.start();
menus.start();

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) return;
  say("request", status === 403
    ? "That was refused. Reload the page and try again; if it stays so, your role does not include it."
    : `That did not work (the server said ${status}). Nothing was changed; try again.`);
});
document.addEventListener("htmx:sendError", () => say("request", "The server cannot be reached. Try again in a moment."));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) clear("request"); });
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
