// A live screen: fragments come by socket and are morphed in. What a person types or has open stays as it is;
// a fragment that was overtaken by a newer one is dropped; a lost socket is said, and comes back by itself.
import { clear, say } from "./trouble.js";
import { synchronise } from "./timers.js";

const FOR_GOOD = { 4401: "signedOut", 4403: "refusedPage", 4404: "nothingHere" };
const PROBE_MS = 2000;
const PATIENCE_MS = 1500; // for an answer
const CONNECT_MS = 2400; // for a new line: three times there and back on a very slow one
const RETRY_MS = 1000; // at most, between two tries
const ASK_FIRST = 8;

let socket = null;
let reconnect = null;
let failed = 0; // tries since something came over the line
let turn = 0;
let timer = 0;

const lost = () => say("socket", "lost");
const wait = (tries) => Math.min(RETRY_MS, 100 * 2 ** tries) * (0.5 + Math.random() / 2);
// (Every fourth try is for those whose line is slower still.)
const patience = () => (failed > ASK_FIRST && failed % 4 === 0 ? 2 : 1) * CONNECT_MS;

function open() {
  turn += 1;
  clearTimeout(timer);
  reconnect?.();
}

function again() {
  lost();
  failed = 0;
  open();
}

function later(ms = wait(failed)) {
  lost();
  clearTimeout(timer);
  timer = setTimeout(retry, ms);
}

// A browser makes a page whose sockets fail again and again wait for seconds before each new one. A plain request may
// fail as often as it likes: after some tries it is asked first whether anybody is there.
async function retry() {
  const mine = turn;
  failed += 1;
  const there = failed <= ASK_FIRST || await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(patience()) })
    .then((answer) => answer.status < 500, () => false);
  if (mine !== turn || socket.readyState === WebSocket.OPEN) return;
  if (there) open();
  else later();
}

const closed = ({ code, target }) => {
  if (FOR_GOOD[code]) say("socket", FOR_GOOD[code]);
  else if (code !== 1000 && code !== 1001 && target === socket) {
    if (reconnect) later();
    else lost(); // never open yet: the extension tries again
  }
  if (code === 4401) location.reload();
};

// A line can be dead without a word: the browser tells when the network goes and comes, and a question that the server
// echoes finds what nobody tells. A new line that does not come is given up for another: it may have been asked for
// when nobody heard it, and asks again more and more seldom.
function followTheLine(probe) {
  let heard = 0;
  htmx.config.wsReconnectDelay = wait;
  htmx.createWebSocket = (address) => {
    if (socket) { socket.onclose = null; socket.close(); } // the end of one that is given up concerns nobody
    const which = socket = new WebSocket(address);
    which.addEventListener("message", () => { heard = performance.now(); });
    setTimeout(() => {
      if (which !== socket || which.readyState !== WebSocket.CONNECTING) return;
      if (reconnect) later(Math.random() * 250);
      else which.close();
    }, patience());
    // In the place of the extension, which counts by itself; it lets the page reconnect once it was open.
    queueMicrotask(() => { if (reconnect) which.onclose = closed; });
    return which;
  };
  document.addEventListener("htmx:wsOpen", (event) => {
    reconnect = event.detail.socketWrapper.reconnect;
    socket.onclose = closed;
  });
  document.addEventListener("htmx:wsClose", (event) => closed(event.detail.event));
  addEventListener("offline", lost);
  addEventListener("online", again);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && reconnect && socket.readyState > WebSocket.OPEN) again(); // timers hardly run where nobody looks
  });
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
    if (document.activeElement !== document.body) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog || !was) { dialog?.focus(); return; }
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
  document.addEventListener("htmx:wsAfterMessage", () => { settled(); failed = 0; clear("socket"); });
  document.addEventListener("htmx:afterSwap", settled);
}
