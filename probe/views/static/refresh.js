// Fetches this page again every few seconds and replaces the parts that changed.
// Without this script the page reloads itself as a whole.
"use strict";

const EVERY = 5000; // milliseconds: a verdict is on the wall before anybody asks
const PATIENCE = 10000;

async function refresh() {
  const answer = await fetch(location.href, {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = page.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.innerHTML) replace(part, fresh);
  }
}

function replace(part, fresh) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const place = focused?.getAttribute("href");
  const opened = [...part.querySelectorAll("details")].map((details) => details.open);
  const left = part.scrollLeft;
  part.className = fresh.className;
  part.replaceChildren(...fresh.childNodes);
  part.scrollLeft = left;
  part.querySelectorAll("details").forEach((details, n) => (details.open = opened[n] ?? false));
  if (place) part.querySelector(`[href="${CSS.escape(place)}"]`)?.focus({ preventScroll: true });
}

async function turn() {
  const sign = document.getElementById("fresh");
  try {
    if (!document.hidden) await refresh();
    sign.classList.remove("stale");
  } catch {
    sign.classList.add("stale");
  }
  setTimeout(turn, EVERY);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh().catch(() => {});
});
setTimeout(turn, EVERY);
