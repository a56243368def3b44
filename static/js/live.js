// A live screen: fragments come by socket and are morphed in. What a person types or has open stays as it is;
// a fragment that was overtaken by a newer one is dropped; a lost socket is said, and comes back by itself.
import { clear, say } from "./trouble.js";
import { synchronise } from "./timers.js";

const FOR_GOOD = { 4401: "signedOut", 4403: "refusedPage", 4404: "nothingHere" };
const PROBE_MS = 3000;
const PATIENCE_MS = 1500;

let socket = null;
let reconnect = null;

function again() {
  say("socket", "lost");
  reconnect?.();
}

// A line can be dead without a word: the browser tells when the network goes and comes, and a question that the server
// echoes finds what nobody tells.
function followTheLine(probe) {
  let heard = 0;
  htmx.createWebSocket = (address) => {
    if (socket) { socket.onclose = null; socket.close(); } // the end of one that is given up concerns nobody
    socket = new WebSocket(address);
    socket.addEventListener("message", () => { heard = performance.now(); });
    return socket;
  };
  document.addEventListener("htmx:wsOpen", (event) => { reconnect = event.detail.socketWrapper.reconnect; });
  addEventListener("offline", () => say("socket", "lost"));
  addEventListener("online", again);
  // (A board is sent often enough to tell by itself.)
  if (probe) setInterval(() => {
    if (socket?.readyState !== WebSocket.OPEN || document.hidden) return;
    const asked = performance.now();
    const which = socket;
    which.send("?");
    setTimeout(() => { if (heard < asked && which === socket && which.readyState === WebSocket.OPEN) again(); }, PATIENCE_MS);
  }, PROBE_MS);
}

// A button that is pressed is disabled for a moment, and a push may take away what has the focus: it goes back to where
// it was, or to the screen as a whole, never to nowhere.
function keepFocus(rootId) {
  let held = null;
  const root = () => document.getElementById(rootId);
  const hold = () => { if (root()?.contains(document.activeElement)) held = document.activeElement; };
  const restore = (event) => {
    const answered = event.type === "htmx:afterRequest" && event.detail.elt.contains(held);
    if (held?.isConnected && held.matches(":disabled") && !answered) return; // its answer is still to come
    const was = held;
    held = null;
    if (!was || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    // Itself, what came in its place, or the part of the screen that it was in (what is replaced knows its parents still).
    const near = was.closest("[tabindex][id]")?.id ?? rootId;
    for (const there of [was, document.getElementById(was.id), document.getElementById(near), root()]) {
      if (there?.isConnected && document.activeElement === document.body) there.focus?.({ preventScroll: true });
    }
  };
  for (const name of ["beforeRequest", "beforeSwap", "oobBeforeSwap"]) document.addEventListener(`htmx:${name}`, hold);
  for (const name of ["afterRequest", "wsAfterMessage"]) document.addEventListener(`htmx:${name}`, restore);
}

export function start(rootId, probe = true) {
  const callbacks = Idiomorph.defaults.callbacks;
  callbacks.beforeNodeMorphed = (old, fresh) => {
    if (!(old instanceof Element) || !(fresh instanceof Element)) return true;
    if (old.hasAttribute("data-keep") && old.id === fresh.id) return false;
    if (old === document.activeElement && old.matches("input, textarea, select")) return false;
    // A message answers something that was asked; pushes know nothing of it.
    if (old.id.endsWith("-message") && old.id === fresh.id && !fresh.hasAttribute("data-answer")) return false;
    return true;
  };
  callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.localName === "details");

  htmx.config.wsReconnectDelay = (tries) => Math.min(1500, 100 * 2 ** tries) * (0.5 + Math.random() / 2);
  followTheLine(probe);
  keepFocus(rootId);

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.detail.target.id !== rootId) return;
    const fresh = event.detail.fragment.firstElementChild;
    if (Number(fresh.dataset.rev) < Number(event.detail.target.dataset.rev)) {
      event.detail.shouldSwap = false;
      const answer = fresh.querySelector("[id$='-message'][data-answer]");
      if (answer) document.getElementById(answer.id)?.replaceWith(answer);
    }
  });
  // What comes first after a reconnection is the truth, whatever was shown before.
  let opened = false;
  document.addEventListener("htmx:wsOpen", () => {
    document.getElementById(rootId).dataset.rev = "0";
    // What should have been loaded aside while the line was down: once, because a second answer would undo what the
    // person did with the first. What is on its way is so for good if nothing was lost yet, else its line may be dead.
    for (const empty of document.querySelectorAll("[data-keep][hx-get]:empty")) {
      if (!opened && empty.matches(".htmx-request")) continue;
      htmx.trigger(empty, "htmx:abort");
      htmx.trigger(empty, "again");
    }
    opened = true;
  });
  // What was loaded aside from the pushes (the day's figures and lists) is loaded anew when a call is left, and with
  // another campaign's goals.
  let { call, campaign } = document.getElementById(rootId).dataset;
  let read = "";
  const settled = () => {
    const shown = document.getElementById(rootId)?.dataset;
    // Each moment of the server's clock counts once: other fragments come without one.
    if (shown?.now !== read) synchronise(read = shown?.now);
    if (!shown || shown.call === call && shown.campaign === campaign) return;
    if (call || shown.campaign !== campaign) htmx.trigger(document.body, "day-changed");
    ({ call, campaign } = shown);
  };
  document.addEventListener("htmx:wsAfterMessage", () => { settled(); clear("socket"); });
  document.addEventListener("htmx:afterSwap", settled);
  document.addEventListener("htmx:wsClose", (event) => {
    const code = event.detail.event.code;
    if (FOR_GOOD[code]) say("socket", FOR_GOOD[code]);
    else if (code !== 1000 && code !== 1001 && event.detail.event.target === socket) say("socket", "lost");
    if (code === 4401) location.reload();
  });
}
