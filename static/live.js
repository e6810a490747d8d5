// Keeps the page true: listens to the team's events and fetches again what an
// event concerns. A region is an element with data-live (the URL to fetch; ""
// on a fleet row), an id, and optionally data-agent (whose events), data-on
// (which kinds of events: what stands before the dot of their type) and
// data-wait (least milliseconds between fetches). One fetch is under way at a
// time, so that no older answer comes after a newer one; several regions of the
// page's own address come from one fetch of the page.
(() => {
  "use strict";
  const doc = document;
  const { eventsUrl: url, as, seq, beat } = doc.body.dataset;
  const pill = doc.getElementById("live");
  if (!url || !pill) return;

  const staleAfter = (Number(beat) * 8) / 3 || 40_000;
  const patience = Math.min(15_000, staleAfter); // for an answer to begin
  const backoff = { least: 1000, most: 10_000, crowded: 60_000 };
  const pace = { one: 200, page: 700 }; // least milliseconds between two fetches
  const parkAfter = 15_000;
  const everything = "[data-live]";
  const now = () => performance.now();
  // A clock may be set, and the other may stand while a machine sleeps: what
  // passed is the more that either says.
  const instant = () => [Date.now(), now()];
  const since = (at) => Math.max(Date.now() - at[0], now() - at[1]);

  let stream = null; // AbortController of the stream
  let last = seq;
  let heard = instant();
  let known = false; // the stream has told all that was missed
  let current = false; // and the page has fetched it
  let ever = false;
  let delay = backoff.least;
  let retry = 0;
  let over = ""; // why the page is not kept up any more

  // The pill says "live" while the stream is heard and every region is what the
  // server said last.
  const tell = () => {
    let age = since(heard);
    let state = "live";
    let rest = "";
    if (over) state = over;
    else if (!stream || !known || age > staleAfter) state = age > staleAfter ? "stale" : ever ? "reconnecting" : "connecting";
    else {
      const failed = [...plan.values()].filter((p) => p.failed);
      if (failed.length) {
        state = "stale";
        age = Math.max(...failed.map((p) => since(p.failed)));
      } else if (!current) state = ever ? "reconnecting" : "connecting";
      else if (doc.querySelector("[data-held]")) rest = " · changes wait";
    }
    ever ||= state === "live";
    if (state === "stale") rest = age < 120_000 ? ` ${Math.round(age / 1000)} s` : ` ${Math.floor(age / 60_000)} min`;
    if (pill.dataset.state !== state) {
      pill.dataset.state = state;
      pill.className = `pulse js-only ${over ? "stale" : state}`;
      pill.firstElementChild.textContent = state;
    }
    pill.lastElementChild.textContent = rest;
  };

  // A person is in the middle of something that a new page would take away.
  const written = (f) => (f.matches("select")
    ? [...f.options].some((o) => o.defaultSelected) && [...f.options].some((o) => o.selected !== o.defaultSelected)
    : f.matches("[type=checkbox],[type=radio]") ? f.name !== "ids" && f.checked !== f.defaultChecked : f.value !== f.defaultValue);
  const typed = (from) => [...from.querySelectorAll("input:not([type=hidden]),textarea,select")].some(written);
  const idle = () => !typed(doc.getElementById("main")) && !doc.querySelector("dialog[open],[aria-busy=true]");

  // finish stops keeping the page up, and leads to where it goes on: at once
  // where nothing is lost by it, else by a link.
  const finish = (state, text, word, href) => {
    if (over) return;
    over = state;
    park();
    tell();
    if (idle()) return location.replace(href);
    const note = doc.createElement("p");
    note.className = "banner warn stuck";
    note.setAttribute("role", "alert");
    note.dataset.testid = "over";
    const link = doc.createElement("a");
    link.href = href;
    link.textContent = word;
    note.append(`${text} `, link);
    (doc.querySelector("dialog[open]") || doc.body).append(note);
  };
  const here = () => location.pathname + location.search;
  // A form that is on its way leads on itself: it may be what ended the session.
  let sent = -patience;
  addEventListener("submit", (e) => { if (!e.defaultPrevented) sent = now(); });
  // admitted tells whether an answer was made for whom the page was made.
  const admitted = (res) => {
    if (now() - sent < patience) return false;
    const whom = res.headers.get("Agentry-As");
    if (res.status === 401 || (res.redirected && new URL(res.url).pathname.endsWith("/login"))) {
      finish("signed out", "You are signed out: this page is not kept up any more.", "Sign in", `/login?next=${encodeURIComponent(here())}`);
    } else if (res.ok && whom && whom !== as) {
      finish("outdated", "You have another role or team now: this page is not kept up any more.", "Load it again", here());
    }
    return !over;
  };

  // The stream.
  const message = (text) => {
    const m = {};
    for (const line of text.split("\n")) m[line.slice(0, line.indexOf(":"))] = line.slice(line.indexOf(":") + 2);
    if (m.event === "agent") take(JSON.parse(m.data));
    else if (m.event === "reset") reset();
    else if (m.event === "crowded") delay = backoff.crowded;
    else if (m.event === "beat") {
      if (!known) sort(); // what the replay brought, before the page counts as current
      known = true;
      delay = backoff.least;
      settle();
    }
    if (m.id) last = m.id;
  };
  const read = async (body) => {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard = instant();
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      parts.forEach(message);
      tell();
    }
  };
  const connect = async () => {
    park();
    if (over) return;
    const own = new AbortController();
    stream = own;
    const guard = setTimeout(() => own.abort(), patience);
    try {
      const res = await fetch(url, { signal: own.signal, cache: "no-store", headers: last ? { "Last-Event-ID": last } : {} });
      clearTimeout(guard);
      if (admitted(res) && res.ok && /^text\/event-stream/.test(res.headers.get("Content-Type"))) await read(res.body);
    } catch {
      // Tried again below.
    }
    clearTimeout(guard);
    if (stream === own) again();
  };
  // park gives the stream back.
  const park = () => {
    clearTimeout(retry);
    const old = stream;
    stream = null;
    known = current = false;
    if (old) old.abort();
  };
  const again = (soonest) => {
    park();
    tell();
    if (over) return;
    if (soonest) delay = backoff.least;
    retry = setTimeout(connect, soonest ? Math.random() * 1000 : delay * (0.5 + Math.random() / 2));
    if (!soonest) delay = Math.min(Math.max(backoff.most, delay), delay * 2);
  };
  let ticked = instant();
  setInterval(() => {
    const slept = since(ticked) > 8000;
    ticked = instant();
    if (doc.hidden || over) return;
    if (slept) again(true);
    else if (stream && known && since(heard) > staleAfter) again();
    tell();
  }, 1000);
  addEventListener("online", () => again(true));
  addEventListener("offline", () => again());
  addEventListener("pagehide", park);
  addEventListener("pageshow", (e) => { if (e.persisted) look(); });
  // Browsers allow six connections to a server: a page that nobody looks at
  // gives its own back, and catches up when it is looked at.
  let parking = 0;
  const look = () => {
    clearTimeout(parking);
    if (doc.hidden) {
      parking = setTimeout(park, parkAfter);
      return;
    }
    ticked = instant();
    if (!stream || since(heard) > staleAfter) {
      delay = backoff.least;
      connect();
    }
    tell();
    soon();
  };
  doc.addEventListener("visibilitychange", look);
  addEventListener("focus", () => { if (!stream) look(); });

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
  // Events come in crowds: those that say the same are one.
  const crowd = new Map();
  let sorting = 0;
  const take = (ev) => {
    crowd.set(`${ev.type} ${ev.agentId}`, ev);
    sorting ||= setTimeout(sort, 20);
  };
  const sort = () => {
    clearTimeout(sorting);
    sorting = 0;
    const events = [...crowd.values()];
    crowd.clear();
    const regions = [...doc.querySelectorAll(everything)];
    for (const ev of events) {
      pass(ev);
      const kind = String(ev.type).split(".")[0];
      if (ev.type === "agent.deleted" && doc.querySelector(`[data-agent="${CSS.escape(ev.agentId)}"]`)) return gone();
      if (ev.type === "agent.created" && !doc.getElementById(`agent-${ev.agentId}`)) fresh();
      for (const el of regions) if (concerns(el, ev, kind)) touch(el);
    }
  };
  const fresh = () => { for (const el of doc.querySelectorAll("[data-fresh]")) el.hidden = false; };
  let compare = false; // whether the next page has rows that this one has not
  const reset = () => {
    compare = true;
    doc.querySelectorAll(everything).forEach(touch);
    pass({ type: "reset" });
  };

  // Fetching again: at once after a quiet time, then at most once a wait, and
  // later while a person is busy inside the region.
  const plan = new Map(); // by id: wanted and got count events, due is when to fetch
  let timer = 0;
  let flying = false;
  let free = 0;
  let whole = true; // the page's own address can be fetched
  let acted = 0;
  const waitOf = (el) => Number(el.dataset.wait) || 300;
  const touch = (el) => {
    if (!el.id) return;
    if (!plan.has(el.id)) plan.set(el.id, { wanted: 0, got: 0, due: 0, tries: 0, failed: null, held: 0, alone: false });
    plan.get(el.id).wanted++;
    soon();
  };
  const waiting = () => [...plan].filter(([, p]) => p.wanted > p.got);
  const soon = () => {
    if (flying || doc.hidden || over) return;
    clearTimeout(timer);
    const due = Math.min(...waiting().map(([, p]) => p.due));
    if (due < Infinity) timer = setTimeout(flush, Math.max(30, due - now(), free - now()));
  };
  let pressed = null;
  addEventListener("pointerdown", (e) => { pressed = e.target; }, true);
  for (const end of ["pointerup", "pointercancel", "dragend"]) addEventListener(end, () => { pressed = null; }, true);
  const inUse = (el) => {
    const active = doc.activeElement;
    const picked = getSelection();
    return (el.contains(active) && active.matches("input:not([type=checkbox]),textarea,select")) || (pressed && el.contains(pressed)) ||
      el.querySelector("details.pop[open],[aria-busy=true]") || typed(el) || (!picked.isCollapsed && picked.containsNode(el, true));
  };
  const own = ({ el, p }) => !p.alone && (el.dataset.live === "" || !el.closest("main,dialog") ||
    new URL(el.dataset.live, location.href).pathname === location.pathname);
  const flush = async () => {
    const due = [];
    for (const [id, p] of waiting().sort((a, b) => a[1].due - b[1].due)) {
      const el = doc.getElementById(id);
      if (!el || !el.hasAttribute("data-live")) plan.delete(id);
      else if (p.due <= now() && !held(el, p)) due.push({ id, el, p, wanted: p.wanted });
    }
    if (due.length) {
      flying = true;
      const mine = whole ? due.filter(own) : [];
      const page = mine.length > 1;
      await get(page ? mine : due.slice(0, 1), page);
      flying = false;
      free = now() + (page ? pace.page : pace.one);
    }
    settle();
    soon();
  };
  // The page is current when all that the stream told is there, but for what
  // waits for the person.
  const settle = () => {
    current = known && (current || waiting().every(([, p]) => p.held));
    tell();
  };
  const held = (el, p) => {
    if (!inUse(el)) {
      p.held = 0;
      el.removeAttribute("data-held");
      return false;
    }
    p.held ||= now();
    p.due = now() + 1000;
    el.toggleAttribute("data-held", now() - p.held > 2500);
    return true;
  };
  const get = async (batch, page) => {
    const to = page ? here() : address(batch[0].el);
    const headers = page ? {} : { "HX-Request": "true", "HX-Target": batch[0].id, "HX-Current-URL": location.href };
    const before = acted;
    const made = doc.createElement("template");
    let status = 0;
    try {
      const res = await fetch(to, { headers, cache: "no-store", signal: AbortSignal.timeout(patience) });
      if (!admitted(res)) return;
      const lead = res.headers.get("HX-Redirect");
      if (lead && idle()) return location.assign(lead);
      const text = await res.text();
      if (res.ok && !lead) made.innerHTML = text;
      status = res.status;
    } catch {
      // No answer: tried again.
    }
    if (page && (status === 404 || status === 405)) whole = false;
    if (page && status === 200) unknown(made.content);
    for (const one of batch) put(one, made.content, status, page, before === acted);
  };
  const unknown = (content) => {
    if (compare && [...content.querySelectorAll('[data-live=""]')].some((row) => !doc.getElementById(row.id))) fresh();
    compare = false;
  };
  // put takes a region out of an answer.
  const put = ({ id, p, wanted }, content, status, page, latest) => {
    const el = doc.getElementById(id);
    const next = content.getElementById(id);
    if (!el) return plan.delete(id);
    p.due = now() + waitOf(el);
    if (next && (!latest || held(el, p))) return;
    if (next) {
      Object.assign(p, { got: wanted, tries: 0, failed: null, held: 0 });
      return swap(el, next);
    }
    if (page && (status === 200 || !whole)) {
      // It left the list: asked for alone.
      p.alone = true;
      p.due = 0;
      return;
    }
    // What is not there any more under the page's own address is another page now.
    if (!page && status >= 200 && status < 500 && status !== 429 && own({ el, p: {} }) && el.dataset.live !== "" && idle()) return location.reload();
    p.tries++;
    p.failed ||= instant();
    p.due = now() + Math.min(backoff.most, 1000 * 2 ** p.tries) * (0.5 + Math.random() / 2);
    el.dataset.stale = "";
  };
  const address = (el) => {
    if (el.dataset.live === "") return `/fleet/${el.id.slice(6)}/row${location.search}`;
    const to = new URL(el.dataset.live, location.href);
    return to.pathname === location.pathname ? to.pathname + location.search : to.pathname + to.search;
  };
  const swap = (el, next) => {
    const keep = hold(el);
    el.replaceWith(next);
    if (window.htmx) htmx.process(next);
    const from = doc.getElementById("nav-alerts");
    const to = doc.getElementById("menu-alerts");
    if (from && to) to.innerHTML = from.innerHTML;
    next.dispatchEvent(new CustomEvent("htmx:afterSwap", { bubbles: true, detail: { target: next, elt: next, requestConfig: { elt: next } } }));
    keep(next);
  };
  // hold remembers what a person has done to a region (focus, scrolling, what is
  // open and ticked) and where it stands in the window, for its successor.
  const focusable = "a,button:enabled,summary,input[type=checkbox]";
  const word = (e) => e.textContent || e.value;
  const hold = (el) => {
    const active = el.contains(doc.activeElement) ? doc.activeElement : null;
    const at = [...el.querySelectorAll(focusable)].indexOf(active);
    const top = [...el.querySelectorAll(".log,.tabs,.chips,.scroll")].map((s) => [s.scrollTop, s.scrollLeft]);
    const open = [...el.querySelectorAll("details")].map((d) => d.open);
    const ticked = [...el.querySelectorAll("input[name=ids]:checked")].map((i) => i.value);
    const box = el.getBoundingClientRect();
    const seen = box.top < 0 ? [...el.querySelectorAll("a[href],[id]")].find((e) => e.getBoundingClientRect().top >= 0) : null;
    const mark = seen && (seen.id ? `#${CSS.escape(seen.id)}` : `a[href="${CSS.escape(seen.getAttribute("href"))}"]`);
    const place = seen && seen.getBoundingClientRect().top;
    return (next) => {
      next.querySelectorAll(".log,.tabs,.chips,.scroll").forEach((s, i) => { if (top[i]) [s.scrollTop, s.scrollLeft] = top[i]; });
      next.querySelectorAll("details").forEach((d, i) => { if (open[i]) d.open = true; });
      for (const i of next.querySelectorAll("input[name=ids]")) if (ticked.includes(i.value)) i.checked = true;
      const same = mark && next.querySelector(mark);
      if (same) scrollBy(0, same.getBoundingClientRect().top - place);
      else if (box.bottom < 0) scrollBy(0, next.getBoundingClientRect().bottom - box.bottom);
      if (!active || active.isConnected) return;
      const all = [...next.querySelectorAll(focusable)];
      const heir = all.find((e) => e.tagName === active.tagName && word(e) === word(active)) || all[Math.min(at, all.length - 1)];
      if (heir) heir.focus({ preventScroll: true });
    };
  };
  // What was done here shows here, also while the stream is away; an answer that
  // is under way was made before it.
  doc.addEventListener("agentry:done", (e) => {
    acted++;
    const action = (e.target.getAttribute && e.target.getAttribute("action")) || "";
    const [, id] = action.match(/^\/fleet\/([^/]+)/) || [];
    for (const el of doc.querySelectorAll(everything)) {
      if (el.dataset.live !== "" || el.id === `agent-${id}`) touch(el);
    }
  });

  if (!doc.hidden) connect();
})();
