// Boards: live screens that many look at. A board that is no longer told of says so; a TV goes through its panels.
import * as live from "./live.js";
import { clear, say } from "./trouble.js";

const board = document.querySelector("[data-live]");
live.start(board.dataset.live, false);

const patience = Number(board.dataset.staleAfter || 5) * 1000;
let told = Date.now();
const asOf = () => document.getElementById("board-as-of")?.textContent ?? "";
document.addEventListener("htmx:wsAfterMessage", () => { told = Date.now(); clear("stale"); document.documentElement.classList.remove("stale"); });
setInterval(() => {
  if (Date.now() - told < patience) return;
  document.documentElement.classList.add("stale");
  say("stale", `Out of date: nothing new has come for ${Math.round((Date.now() - told) / 1000)} s. ${asOf()}.`);
}, 1000);
