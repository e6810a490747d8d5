// Keeps the page true: listens to the team's events and fetches again what an
// event concerns. A region is an element with data-live (the URL to fetch; ""
// on a fleet row), an id, and optionally data-agent (whose events), data-on
// (which kinds of events) and data-wait (least milliseconds between fetches).
(() => {
  "use strict";
  const doc = document;
  const url = doc.body.dataset.eventsUrl;
  const pill = doc.getElementById("live");
  if (!url || !pill) return;

  const staleAfter = 40_000;
  const backoff = { least: 1000, most: 30_000 };
  let source = null;
  let last = doc.body.dataset.seq || "";
  let heard = Date.now();
  let delay = backoff.least;
  let retry = 0;
  let parked = 0;

  // The pill says what is true of the stream, and since when it is not.
  const tell = (state) => {
    const age = state === "stale" ? ` ${Math.round((Date.now() - heard) / 1000)} s` : "";
    if (pill.dataset.state !== state) {
      pill.dataset.state = state;
      pill.className = `pulse js-only ${state}`;
      pill.firstElementChild.textContent = state;
    }
    pill.lastElementChild.textContent = age;
  };
  const hear = (e) => {
    heard = Date.now();
    if (e && e.lastEventId) last = e.lastEventId;
    tell("live");
  };

  const connect = () => {
    clearTimeout(retry);
    if (source) source.close();
    source = new EventSource(last ? `${url}?last=${encodeURIComponent(last)}` : url);
    source.onopen = () => { delay = backoff.least; hear(); };
    source.onerror = again;
    source.addEventListener("beat", hear);
    source.addEventListener("agent", (e) => { hear(e); take(JSON.parse(e.data)); });
    source.addEventListener("reset", (e) => {
      hear(e);
      for (const el of doc.querySelectorAll("[data-live]")) touch(el);
      pass({ type: "reset" });
    });
  };
  const again = () => {
    if (source) source.close();
    source = null;
    tell(Date.now() - heard > staleAfter ? "stale" : "reconnecting");
    clearTimeout(retry);
    retry = setTimeout(connect, delay * (0.5 + Math.random() / 2));
    delay = Math.min(backoff.most, delay * 2);
  };
  setInterval(() => {
    if (parked < 0 || Date.now() - heard <= staleAfter) return;
    tell("stale");
    if (source && source.readyState === EventSource.OPEN) again();
  }, 1000);
  addEventListener("online", () => { delay = backoff.least; connect(); });
  addEventListener("offline", () => again());
  addEventListener("pagehide", () => { if (source) source.close(); });
  addEventListener("pageshow", (e) => { if (e.persisted) connect(); });
  // Browsers allow six streams a server: a page nobody looks at gives its one
  // back after a minute and catches up when it is looked at again.
  doc.addEventListener("visibilitychange", () => {
    clearTimeout(parked);
    if (doc.hidden) {
      parked = setTimeout(() => {
        parked = -1;
        clearTimeout(retry);
        if (source) source.close();
        source = null;
      }, 60_000);
      return;
    }
    parked = 0;
    if (!source || source.readyState !== EventSource.OPEN) { delay = backoff.least; connect(); }
  });

  // Which regions an event concerns.
  const concerns = (el, ev, kind) => {
    if (el.dataset.live === "") return el.id === `agent-${ev.agentId}` && /^(agent|alert|task|usage)$/.test(kind);
    if (el.dataset.agent && el.dataset.agent !== ev.agentId) return false;
    return (el.dataset.on || "agent").split(" ").includes(kind);
  };
  // The page of a deleted agent becomes what remains of it; where it was deleted
  // here, the answer leads on.
  let leaving = false;
  doc.addEventListener("htmx:beforeOnLoad", (e) => { leaving ||= !!e.detail.xhr.getResponseHeader("HX-Redirect"); });
  const gone = () => {
    if (leaving) return;
    if (doc.querySelector("form [aria-busy=true]")) setTimeout(gone, 200);
    else location.reload();
  };
  // Scripts of one tab hear the events too.
  const pass = (ev) => doc.dispatchEvent(new CustomEvent("agentry:event", { detail: ev }));
  const take = (ev) => {
    pass(ev);
    if (ev.seq) last = String(ev.seq);
    const kind = String(ev.type).split(".")[0];
    if (ev.type === "agent.deleted" && doc.querySelector(`[data-agent="${CSS.escape(ev.agentId)}"]`)) return gone();
    if (ev.type === "agent.created" && !doc.getElementById(`agent-${ev.agentId}`)) {
      for (const el of doc.querySelectorAll("[data-fresh]")) el.hidden = false;
    }
    for (const el of doc.querySelectorAll("[data-live]")) if (concerns(el, ev, kind)) touch(el);
  };

  // Fetching again: at once after a quiet time, then at most once a wait, and
  // later while a person is busy inside the region.
  const plan = new Map();
  const touch = (el) => {
    if (!el.id || !window.htmx) return;
    const p = plan.get(el.id) || { ran: 0, timer: 0, flying: false, dirty: false };
    plan.set(el.id, p);
    p.dirty = true;
    if (!p.timer && !p.flying) {
      const wait = Number(el.dataset.wait) || 300;
      p.timer = setTimeout(() => run(el.id, p), Math.max(30, p.ran + wait - Date.now()));
    }
  };
  const inUse = (el) => {
    const active = doc.activeElement;
    const picked = getSelection();
    return (el.contains(active) && active.matches("input:not([name=ids]),textarea,select")) ||
      el.querySelector("details[open],[aria-busy=true]") ||
      [...el.querySelectorAll("input:not([type=hidden]),textarea")].some((f) => f.value !== f.defaultValue) ||
      (!picked.isCollapsed && picked.containsNode(el, true));
  };
  const run = async (id, p) => {
    p.timer = 0;
    const el = doc.getElementById(id);
    if (!el) return plan.delete(id);
    if (inUse(el)) {
      p.timer = setTimeout(() => run(id, p), 1000);
      return;
    }
    p.dirty = false;
    p.flying = true;
    const keep = hold(el);
    try {
      await htmx.ajax("GET", address(el), { source: el, target: el, swap: "outerHTML", select: `#${CSS.escape(id)}` });
    } catch {
      // The pill tells that the server is away; the next event tries again.
    }
    p.flying = false;
    p.ran = Date.now();
    const now = doc.getElementById(id);
    if (now) {
      keep(now);
      if (p.dirty) touch(now);
    }
  };
  const address = (el) => {
    if (el.dataset.live === "") return `/fleet/${el.id.slice(6)}/row${location.search}`;
    const to = new URL(el.dataset.live, location.href);
    return to.pathname === location.pathname ? to.pathname + location.search : to.pathname + to.search;
  };
  // hold remembers focus and inner scrolling of a region for its successor.
  const focusable = "a,button:enabled,summary,[name=ids]";
  const hold = (el) => {
    const active = el.contains(doc.activeElement) ? doc.activeElement : null;
    const text = active && active.textContent;
    const at = [...el.querySelectorAll(focusable)].indexOf(active);
    const top = [...el.querySelectorAll(".log,.tabs,.chips")].map((s) => [s.scrollTop, s.scrollLeft]);
    return (next) => {
      next.querySelectorAll(".log,.tabs,.chips").forEach((s, i) => { if (top[i]) [s.scrollTop, s.scrollLeft] = top[i]; });
      if (!active || active.isConnected) return;
      const all = [...next.querySelectorAll(focusable)];
      const same = all.find((e) => e.tagName === active.tagName && e.textContent === text) || all[Math.min(at, all.length - 1)];
      if (same) same.focus({ preventScroll: true });
    };
  };
  // An answer that does not hold the region (a sign-in page, an error) leaves
  // the old one in place.
  doc.addEventListener("htmx:beforeSwap", (e) => {
    const el = e.detail.requestConfig.elt;
    if (!el.hasAttribute("data-live")) return;
    e.detail.shouldSwap = e.detail.serverResponse.includes(`id="${el.id}"`);
  });
  doc.addEventListener("htmx:afterSwap", () => {
    const from = doc.getElementById("nav-alerts");
    const to = doc.getElementById("menu-alerts");
    if (from && to) to.innerHTML = from.innerHTML;
  });
  // What was done here shows here, also while the stream is away.
  doc.addEventListener("agentry:done", (e) => {
    const action = (e.target.getAttribute && e.target.getAttribute("action")) || "";
    const [, id] = action.match(/^\/fleet\/([^/]+)/) || [];
    for (const el of doc.querySelectorAll("[data-live]")) {
      if (el.dataset.live !== "" || el.id === `agent-${id}`) touch(el);
    }
  });

  connect();
})();
