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
  if (status !== 401) say("request", status === 403 ? "refused" : "failed");
});
document.addEventListener("htmx:sendError", () => say("request", "unreachable"));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) clear("request"); });
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
