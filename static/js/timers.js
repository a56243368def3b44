// Timers count from the server's moments, on the server's clock: the page's own clock may be wrong.
let ahead = 0; // ms that this browser's clock is ahead of the server's

export function text(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const two = (n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

function write(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function tick() {
  const now = Date.now() - ahead;
  for (const element of document.querySelectorAll("[data-since]")) {
    write(element, text((now - Date.parse(element.dataset.since)) / 1000));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const left = (Date.parse(element.dataset.until) - now) / 1000;
    write(element, text(Math.ceil(left)));
    element.parentElement.classList.toggle("urgent", left < 10);
  }
  for (const element of document.querySelectorAll("[data-zone]")) {
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: element.dataset.zone };
    write(element, new Intl.DateTimeFormat("en-GB", clock).format(now));
  }
}

export function synchronise(serverNow) {
  if (serverNow) ahead = Date.now() - Date.parse(serverNow);
  tick();
}

export function start() {
  synchronise(document.querySelector("[data-now]")?.dataset.now);
  const next = () => {
    tick();
    setTimeout(next, 1000 - ((Date.now() - ahead) % 1000) + 5);
  };
  next();
}
