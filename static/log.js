// The end of a log grows while it is looked at: each event of the agent fetches
// the lines behind the last one. A reader who has scrolled up, or paused, is
// left where they are and told how many lines came.
(() => {
  "use strict";
  const doc = document;
  const root = doc.getElementById("logs");
  if (!root) return;
  const $ = (selector) => root.querySelector(selector);
  const box = $(".log");
  const list = box.firstElementChild;
  const pause = $("[data-pause]");
  const jump = $("[data-jump]");
  const said = $("[data-said]");
  const page = 200; // lines a fetch brings at most
  const kept = { atEnd: 1000, away: 5000 }; // lines in the page
  const wait = 500; // least milliseconds between fetches

  // Times in the reader's zone, unless another one was chosen.
  const zone = !doc.body.dataset.zone && Intl.DateTimeFormat().resolvedOptions().timeZone;
  const two = (n) => String(n).padStart(2, "0");
  const local = (from) => {
    for (const t of from.querySelectorAll("time")) {
      const at = new Date(t.dateTime);
      t.textContent = `${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    }
  };
  if (zone) {
    local(list);
    $("[data-zone]").textContent = zone;
  }
  if (!root.dataset.tail) return;

  let newest = list.dataset.newest;
  let epoch = list.lastElementChild ? list.lastElementChild.dataset.epoch : "0";
  let paused = false;
  let waiting = doc.createDocumentFragment();
  let fresh = 0; // lines that were not seen yet
  let timer = 0;
  let flying = false;
  let dirty = false;

  const plural = (n) => (n === 1 ? "1 new line" : `${n} new lines`);
  const tell = () => {
    said.textContent = !paused ? "New lines appear here as they are written." : fresh ? `Paused, ${plural(fresh)}.` : "Paused.";
    jump.hidden = paused || fresh === 0;
    jump.textContent = `${plural(fresh)} ↓`;
  };
  // The box stands on its end: 0 is there, what is above is negative.
  const atEnd = () => box.scrollTop > -8;
  const count = (from) => from.querySelectorAll("[data-id]").length;
  const grow = (lines) => {
    const end = atEnd();
    const n = count(lines);
    const before = box.scrollHeight;
    list.append(lines);
    const empty = $(".empty");
    if (empty) empty.remove();
    if (end) {
      for (let more = list.children.length - kept.atEnd; more > 0; more--) list.firstElementChild.remove();
      fresh = 0;
    } else {
      if (list.children.length > kept.away) return location.reload();
      box.scrollTop -= box.scrollHeight - before;
      fresh += n;
    }
    tell();
  };
  const fetchMore = async () => {
    timer = 0;
    flying = true;
    dirty = false;
    let full = false;
    try {
      const to = new URL(root.dataset.tail, location.href);
      to.searchParams.set("after", newest);
      to.searchParams.set("epoch", epoch);
      const res = await fetch(to, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(15_000) });
      if (!res.ok || res.headers.get("HX-Redirect")) throw new Error(String(res.status));
      const made = doc.createElement("template");
      made.innerHTML = await res.text();
      const lines = made.content;
      const n = count(lines);
      if (n > 0) {
        newest = lines.lastElementChild.dataset.id;
        epoch = lines.lastElementChild.dataset.epoch;
        if (zone) local(lines);
        if (paused) {
          waiting.append(lines);
          fresh += n;
          tell();
        } else {
          grow(lines);
        }
      }
      full = n === page;
    } catch {
      // The pill tells that the server is away.
      dirty = true;
    }
    flying = false;
    if (full || dirty) ask(full ? wait : 4 * wait);
  };
  // While paused no more is kept than a page can show: the rest stays to fetch.
  const ask = (after) => {
    if (flying) dirty = true;
    else if (!timer && !(paused && waiting.childElementCount >= kept.atEnd)) timer = setTimeout(fetchMore, after);
  };

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) {
      fresh = 0;
      grow(waiting);
      waiting = doc.createDocumentFragment();
      ask(0);
    }
    tell();
  });
  jump.addEventListener("click", () => {
    box.scrollTop = 0;
    fresh = 0;
    tell();
    box.focus();
  });
  box.addEventListener("scroll", () => {
    if (!paused && fresh && atEnd()) {
      fresh = 0;
      tell();
    }
  });
  doc.addEventListener("agentry:event", (e) => {
    const { type, agentId } = e.detail;
    if (type === "reset" || (type === "log.added" && agentId === root.dataset.of)) ask(wait / 5);
  });
  tell();
})();
