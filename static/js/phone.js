// The phone in the browser: one SIP leg for the whole session, answered by itself. The server decides everything about
// calls; this page only lends ears and a voice. One tab owns the phone; a page that loads again comes back in a moment.
import { clear, say } from "./trouble.js";

const $ = (id) => document.getElementById(id);
const panel = $("phone");
const MIC = "phone-mic", SPEAKER = "phone-speaker", MUTED = "phone-muted";
const WORDS = { good: "Line good", fair: "Line fair", poor: "Line poor" };

let id = "";        // the session that this page is the phone of
let release;        // gives up being the tab with the phone
let ua, account, stream, leg, echo, looking, asking, before;

const spoken = JSON.parse(panel?.dataset.words || "{}");
const t = (text) => spoken[text] ?? text;
const word = (english, bad = false) => {
  const text = t(english);
  if ($("phone-word").textContent !== text) $("phone-word").textContent = text;
  panel.classList.toggle("bad", bad);
};
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// --- which tab

async function own(steal = false) {
  $("phone-take").hidden = true;
  const mine = id;
  const hold = () => new Promise((done) => { release = done; run(mine); });
  try {
    const had = steal || await navigator.locks.request("phone", { ifAvailable: true }, (lock) => lock && hold().then(() => true));
    if (!steal) {
      if (had || id !== mine) return;
      word("The phone is in another tab");
      $("phone-take").hidden = false;
    }
    await navigator.locks.request("phone", { steal }, () => { if (id === mine) { $("phone-take").hidden = true; return hold(); } });
  } catch { // another tab took it
    hangUp();
    if (id === mine) own();
  }
}

// --- registering, and the leg

function script(src) {
  return window.JsSIP ? null : new Promise((done, failed) => {
    const element = document.createElement("script");
    Object.assign(element, { src, onload: done, onerror: failed });
    document.head.append(element);
  });
}

function microphone() {
  const device = localStorage.getItem(MIC);
  return navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, ...(device && { deviceId: device }) } });
}

// Speak into this microphone from now on, in the call in hand, too.
async function speakInto(fresh) {
  const [track] = fresh.getAudioTracks();
  track.addEventListener("ended", another);
  track.enabled = !sessionStorage.getItem(MUTED); // (A leg that is muted is not muted again.)
  await leg?.connection.getSenders()[0].replaceTrack(track);
  for (const old of stream?.getTracks() ?? []) old.stop();
  stream = fresh;
  show();
}

const noMicrophone = (name) => word(name === "NotFoundError" ? "No microphone: plug one in, then reload the page" : "Allow this page to use the microphone, then reload it", true);

// A headset that is pulled out takes its track along: what there is else steps in, and goes when it is back.
async function another() {
  try {
    const fresh = await microphone();
    if (ua) await speakInto(fresh);
    else for (const track of fresh.getTracks()) track.stop(); // the phone was given up meanwhile
  } catch (error) {
    noMicrophone(error.name);
  }
}

async function devicesChanged() {
  const wanted = localStorage.getItem(MIC), [track] = stream?.getTracks() ?? [];
  if (!track) return;
  const there = (await navigator.mediaDevices.enumerateDevices()).some((one) => one.kind === "audioinput" && one.deviceId === wanted);
  if (track.readyState === "ended" || there && track.getSettings().deviceId !== wanted) another();
  if ($("phone-sound").open) devices();
}

async function run(mine) {
  word("Starting the phone");
  try {
    const [answer, mic] = await Promise.all([
      fetch("/desk/phone/account/"),
      stream ?? microphone().catch((error) => error.name),
      script(panel.dataset.jssip),
    ]);
    if (id !== mine) return;
    if (!answer.ok) return word("Leave and join again to use this phone", true);
    if (typeof mic === "string") return noMicrophone(mic);
    if (mic !== stream) await speakInto(mic);
    account = await answer.json();
    connect();
  } catch {
    word("The phone could not start: reload the page", true);
  }
}

function connect() {
  const socket = new URL(account.socket, location.href);
  socket.protocol = socket.protocol.replace("http", "ws");
  ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(socket.href)],
    uri: `sip:${account.user}@cordboard.invalid`, password: account.secret, register_expires: 120,
    session_timers: false, connection_recovery_min_interval: 1, connection_recovery_max_interval: 4,
  });
  const agent = ua;
  let fresh = true, refused = 0;
  ua.on("connecting", () => { if (!leg) word("Connecting the phone"); });
  ua.on("disconnected", () => { fresh = true; if (agent === ua) say("phone", "phoneLost"); });
  ua.on("registered", () => {
    clear("phone");
    refused = 0;
    if (fresh && !leg) here();
    fresh = false;
  });
  // The switch may not know the account yet: it was made a moment ago.
  ua.on("registrationFailed", async () => { await wait(Math.min(4000, 200 * 1.5 ** refused++)); if (agent === ua && agent.isConnected()) agent.register(); });
  ua.on("newRTCSession", ({ originator, session, request }) => {
    session.on("icecandidate", ({ ready }) => { clearTimeout(session.gathered); session.gathered = setTimeout(ready, 150); });
    if (originator !== "remote") return;
    if (request.getHeader("X-Cordboard-Leg") !== account.leg) return session.terminate({ status_code: 486 });
    answer(session);
  });
  ua.start();
}

const media = (mediaStream) => ({ mediaStream, pcConfig: { iceServers: account.ice } });

function answer(session) {
  clearTimeout(asking);
  leg = session;
  before = undefined;
  session.on("confirmed", () => {
    hear(session, $("phone-audio"));
    if (sessionStorage.getItem(MUTED)) session.mute({ audio: true });
    show();
    const pc = session.connection;
    pc.addEventListener("iceconnectionstatechange", async () => {
      if (pc.iceConnectionState === "disconnected") await wait(2000);
      if (leg === session && ["disconnected", "failed"].includes(pc.iceConnectionState)) here();
    });
  });
  const over = () => {
    if (leg !== session) return;
    leg = undefined;
    show();
    asking = setTimeout(here, 1000);
  };
  session.on("ended", over);
  session.on("failed", over);
  session.answer(media(stream));
}

// Tell the server that the phone can be called; again, until it is.
async function here() {
  clearTimeout(asking);
  if (!ua?.isRegistered()) return;
  word("Coming on the line");
  const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
  const sent = await fetch("/desk/phone/here/", { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => ({}));
  if (sent.status === 409) return word("The phone is off");
  asking = setTimeout(() => { if (!leg?.isEstablished()) here(); }, 4000);
}

function hear(session, element) {
  element.srcObject = new MediaStream(session.connection.getReceivers().map((receiver) => receiver.track));
  const device = localStorage.getItem(SPEAKER);
  if (device) element.setSinkId?.(device).catch(() => {});
}

function hangUp() {
  clearTimeout(asking);
  const old = ua;
  ua = leg = undefined;
  old?.stop();
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
  clear("phone");
  show();
}

// --- what is shown

function show() {
  const up = Boolean(leg?.isEstablished());
  $("phone-controls").hidden = !up;
  panel.dataset.up = up ? "1" : "";
  if (up) word(sessionStorage.getItem(MUTED) ? "Muted: nobody hears you" : "On the line");
  else if (ua) word("Off the line");
  $("phone-mute").setAttribute("aria-pressed", Boolean(sessionStorage.getItem(MUTED)));
  clearInterval(looking);
  if (up) looking = setInterval(look, 250);
}

let round = 0;
async function look() {
  const pc = leg?.connection;
  if (!pc) return;
  const now = {};
  for (const report of (await pc.getStats()).values()) now[report.type] = report;
  const level = now["media-source"]?.audioLevel ?? 0;
  $("phone-level").value = sessionStorage.getItem(MUTED) ? 0 : Math.min(1, level * 2);
  if (round++ % 8) return;
  const heard = now["inbound-rtp"] ?? {}, said = now["remote-inbound-rtp"] ?? {};
  const got = (heard.packetsReceived ?? 0) - (before?.packetsReceived ?? 0), gone = (heard.packetsLost ?? 0) - (before?.packetsLost ?? 0);
  before = heard;
  const lost = Math.max(gone / Math.max(1, got + gone), said.fractionLost ?? 0) * 100;
  // ITU-T G.107 in its usual short form: what delay and loss leave of 93.2.
  const delay = (said.roundTripTime ?? 0) * 500 + (heard.jitter ?? 0) * 2000 + 10;
  const rating = 93.2 - (delay < 160 ? delay / 40 : (delay - 120) / 10) - 2.5 * lost;
  const quality = rating >= 80 ? "good" : rating >= 70 ? "fair" : "poor";
  $("phone-quality").dataset.quality = quality;
  $("phone-quality").title = `${Math.round((said.roundTripTime ?? 0) * 1000)} ms ${t("there and back")}, ${lost.toFixed(1)} % ${t("lost")}`;
  if ($("phone-quality").lastElementChild.textContent !== t(WORDS[quality])) $("phone-quality").lastElementChild.textContent = t(WORDS[quality]);
}

async function devices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  for (const [kind, name] of [["audioinput", MIC], ["audiooutput", SPEAKER]]) {
    const list = all.filter((device) => device.kind === kind);
    $(name).replaceChildren(...list.map((device, at) => new Option(device.label || `${t("Device")} ${at + 1}`, device.deviceId)));
    $(name).value = localStorage.getItem(name) ?? list[0]?.deviceId;
    if ($(name).selectedIndex < 0) $(name).selectedIndex = 0; // the one that was chosen is not there
    $(name).disabled = list.length === 0 || (name === SPEAKER && !("setSinkId" in HTMLMediaElement.prototype));
  }
}

// --- what a person does

$("phone-take")?.addEventListener("click", () => own(true));
$("phone-mute")?.addEventListener("click", () => {
  const mute = !sessionStorage.getItem(MUTED);
  if (mute) sessionStorage.setItem(MUTED, "1"); else sessionStorage.removeItem(MUTED);
  leg?.[mute ? "mute" : "unmute"]({ audio: true });
  show();
});
$("phone-sound")?.addEventListener("toggle", devices);
$(MIC)?.addEventListener("change", (event) => {
  localStorage.setItem(MIC, event.target.value);
  another();
});
navigator.mediaDevices?.addEventListener("devicechange", devicesChanged);
$(SPEAKER)?.addEventListener("change", (event) => {
  localStorage.setItem(SPEAKER, event.target.value);
  for (const name of ["phone-audio", "phone-echo-audio"]) $(name).setSinkId?.(event.target.value).catch(() => {});
});
$("phone-echo")?.addEventListener("click", (event) => {
  if (echo) return echo.terminate();
  const button = event.currentTarget;
  const heard = stream.clone(), [track] = heard.getAudioTracks(); // who is muted hears themselves, and nobody else does
  track.enabled = true;
  echo = ua.call("sip:*43@cordboard.invalid", media(heard));
  button.textContent = t("End the echo test");
  const limit = setTimeout(() => echo?.terminate(), 15000);
  echo.on("confirmed", () => hear(echo, $("phone-echo-audio")));
  for (const end of ["ended", "failed"]) echo.on(end, () => { clearTimeout(limit); track.stop(); echo = undefined; button.textContent = t("Echo test"); });
});

// --- whose phone this page is: the desk says so with every push, another page when it is loaded

function follow() {
  const wanted = $("desk") ? $("desk").dataset.phone ?? "" : panel.dataset.session;
  if (wanted === id) return;
  id = wanted;
  panel.hidden = !id;
  release?.();
  release = undefined;
  hangUp();
  if (!id) { sessionStorage.removeItem(MUTED); return; }
  if ("simulated" in panel.dataset) word("Simulated switch: there is no sound");
  else if (!navigator.mediaDevices || !navigator.locks) word("This browser gives a page the microphone only over https", true);
  else own();
}

if (panel) {
  if ($("desk")) new MutationObserver(follow).observe($("desk"), { attributes: true, attributeFilter: ["data-phone"] });
  follow();
}
