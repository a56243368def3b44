// Boards: live screens that many look at. A board that is no longer told of says so; a TV goes through its panels.
import * as live from "./live.js";
import * as timers from "./timers.js";
import { clear, say, words } from "./trouble.js";

const board = document.querySelector("[data-live]");
live.start(board.dataset.live, false);

const patience = Number(board.dataset.staleAfter || 5) * 1000;
let told = Date.now();
const asOf = () => document.getElementById("board-as-of")?.textContent ?? "";
document.addEventListener("htmx:wsAfterMessage", () => { told = Date.now(); clear("stale"); document.documentElement.classList.remove("stale"); });
setInterval(() => {
  if (Date.now() - told < patience) return;
  document.documentElement.classList.add("stale");
  say("stale", `${words("stale").replace("{n}", Math.round((Date.now() - told) / 1000))} ${asOf()}.`);
}, 1000);

// A TV goes through its panels; what comes by push has the first one open, so the turn is taken again at once.
if (board.dataset.rotate) {
  timers.start(); // which pages with the navigation have from app.js
  const began = Date.now();
  const turn = () => {
    const panels = document.querySelectorAll(".tv-panel");
    const place = Math.floor((Date.now() - began) / (1000 * board.dataset.rotate)) % (panels.length || 1);
    panels.forEach((panel, n) => { panel.hidden = n !== place; });
  };
  document.addEventListener("htmx:wsAfterMessage", turn);
  setInterval(turn, 1000);
}
