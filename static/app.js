// What people feel on top of pages that work without a script: dialogs, menus,
// keys, copying, relative times. Nothing here knows what an agent is.
(() => {
  "use strict";
  const doc = document;
  const $ = (selector, from = doc) => from.querySelector(selector);
  const dialog = $("#dialog");
  const skew = Date.now() - Date.parse(doc.body.dataset.now || new Date().toISOString());
  const say = (text) => { const said = $("#said"); if (said) said.textContent = text; };
  const typing = (el) => el && el.matches("input,textarea,select,[contenteditable]");

  // Dialogs. The opener may be replaced while the dialog is open, so it is
  // looked up again by the id around it and its words.
  let opener = null;
  const remember = (el) => {
    const around = el.closest("[id]");
    opener = { el, id: around && around.id, text: el.textContent };
  };
  const giveBack = () => {
    if (!opener) return;
    let el = opener.el;
    const around = opener.id && doc.getElementById(opener.id);
    if (!el.isConnected && around) {
      el = [...around.querySelectorAll("a,button,summary")].find((e) => e.textContent === opener.text) || $("a,button", around);
    }
    const menu = el && el.closest("details:not([open])");
    if (menu && el.tagName !== "SUMMARY") el = $("summary", menu);
    if (el) el.focus({ preventScroll: true });
    opener = null;
  };
  const show = (box, from) => {
    if (!box || box.open) return;
    remember(from || doc.activeElement || doc.body);
    closeMenus();
    box.showModal();
  };
  doc.addEventListener("close", (e) => {
    if (e.target === dialog) dialog.replaceChildren();
    giveBack();
  }, true);

  // Menus are details elements: one open at a time.
  const closeMenus = (except) => {
    for (const menu of doc.querySelectorAll("details.pop[open],details.burger[open]")) {
      if (menu !== except && !(except && menu.contains(except))) menu.open = false;
    }
  };

  // Buttons wait while their form is in flight.
  const busy = (form, on) => {
    for (const b of form.querySelectorAll("button:not([type=button])")) {
      if (on && b.disabled) continue;
      if (!on && !b.hasAttribute("aria-busy")) continue;
      b.disabled = on;
      on ? b.setAttribute("aria-busy", "true") : b.removeAttribute("aria-busy");
    }
  };

  // Delete: the button is enabled when the typed name is the name.
  const match = (form) => {
    const button = form && $("[data-matched]", form);
    if (button) button.disabled = $("[data-typed]", form).value.trim() !== form.dataset.match.trim();
  };
  // Times are typed in the browser's zone where no other was chosen.
  const zone = () => {
    if (here) for (const z of doc.querySelectorAll("[data-here]")) z.value = z.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  };
  const prepare = (root) => {
    zone();
    for (const f of root.querySelectorAll("form[data-match]")) match(f);
  };

  const copy = async (button) => {
    const text = button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Plain http has no clipboard: select the text for the person.
      getSelection().selectAllChildren(button.parentElement.firstElementChild);
      if (!doc.execCommand("copy")) return say("Selected; press Ctrl C to copy");
    }
    const word = button.textContent;
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => { button.textContent = word; }, 1500);
  };

  // Times say how far they are, in the words of the server.
  const span = (s) => {
    if (s < 60) return `${Math.floor(s)} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} days`;
  };
  // Exact times are the server's, but for the browser's zone, which it does not know.
  const here = !doc.body.dataset.zone;
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  const exact = (at) => format.format(new Date(at));
  const tick = () => {
    const now = Date.now() - skew;
    for (const t of doc.querySelectorAll("time:not(.abs)")) {
      const at = Date.parse(t.dateTime);
      const s = (now - at) / 1000;
      const text = Math.abs(s) < 1 ? "now" : s < 0 ? `in ${span(-s)}` : `${span(s)} ago`;
      if (t.textContent !== text) t.textContent = text;
      if (here && !t.title.includes(" · ")) t.title = `${exact(at)} · ${t.title}`;
    }
    if (here) for (const t of doc.querySelectorAll("time.abs:not([title])")) [t.title, t.textContent] = [t.textContent, exact(t.dateTime)];
  };
  setInterval(tick, 10_000);
  doc.addEventListener("visibilitychange", tick);

  // Theme: auto, light, dark.
  const root = doc.documentElement;
  const theme = () => root.dataset.theme || "auto";
  const themeWord = () => { for (const w of doc.querySelectorAll("[data-theme-word]")) w.textContent = theme(); };
  const nextTheme = () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[theme()];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    try {
      next === "auto" ? localStorage.removeItem("theme") : localStorage.setItem("theme", next);
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
    themeWord();
  };

  doc.addEventListener("click", (e) => {
    const on = (selector) => e.target.closest(selector);
    closeMenus(e.target);
    let el;
    if ((el = on("[data-copy]"))) copy(el);
    else if (on("[data-theme-toggle]")) nextTheme();
    else if (on("[data-palette-open]")) { closeMenus(); palette(); }
    else if (on("[data-help]")) show($("#help"), on("[data-help]"));
    else if (on("[data-print]")) print();
    else if ((el = on("[data-close]")) && el.closest("dialog")) {
      e.preventDefault();
      el.closest("dialog").close();
    }
  });
  doc.addEventListener("input", (e) => { if (e.target.matches("[data-typed]")) match(e.target.form); });
  doc.addEventListener("change", (e) => { if (e.target.matches("[data-auto] select")) e.target.form.requestSubmit(); });
  doc.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.matches("[data-auto]")) for (const f of form.elements) if (!f.value) f.disabled = true;
    setTimeout(() => busy(form, true));
  });
  addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    for (const f of doc.forms) {
      busy(f, false);
      if (f.matches("[data-auto]")) for (const el of f.elements) el.disabled = false;
    }
  });

  // Keys.
  let went = 0;
  const search = () => {
    const box = $("[data-search]");
    if (!box) return location.assign("/fleet#search");
    box.focus();
    box.select();
  };
  // The palette comes when it is asked for first; it opens as it loads.
  let loading = null;
  const palette = () => {
    if (loading) return doc.dispatchEvent(new Event("agentry:palette"));
    loading = doc.createElement("script");
    loading.src = doc.body.dataset.paletteSrc;
    loading.onerror = () => { loading = null; search(); };
    doc.head.append(loading);
  };
  doc.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k" && $("[data-events-url]")) {
      e.preventDefault();
      return palette();
    }
    if ((e.ctrlKey || e.metaKey) && e.key === "Enter" && !e.isComposing && e.target.matches("[data-enter]")) return e.target.form.requestSubmit();
    if (e.key === "Escape") {
      const menu = e.target.closest && e.target.closest("details.pop[open],details.burger[open]");
      if (menu) $("summary", menu).focus();
      return closeMenus();
    }
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || $("dialog[open]") || !$("[data-events-url]")) return;
    const to = Date.now() - went < 1500 && $(`#help [data-go="${CSS.escape(e.key)}"]`);
    went = 0;
    if (to) location.assign(to.dataset.href);
    else if (e.key === "g") went = Date.now();
    else if (e.key === "/") { e.preventDefault(); search(); }
    else if (e.key === "?") show($("#help"));
  });

  // htmx: refusals stay in the page, in the form they belong to or in the dialog.
  const errorSlot = (elt) => {
    const own = elt.matches("form") && $("[data-errors]", elt);
    if (own || !dialog) return own;
    dialog.replaceChildren($("#error-frame").content.cloneNode(true));
    show(dialog, elt);
    return $("[data-errors]", dialog);
  };
  const live = (elt) => elt.hasAttribute("data-live");
  doc.addEventListener("htmx:beforeSwap", (e) => {
    const d = e.detail;
    const status = d.xhr.status;
    if (status < 400 || status === 422 || live(d.requestConfig.elt)) return;
    d.target = errorSlot(d.requestConfig.elt) || d.target;
    d.swapOverride = "innerHTML";
  });
  doc.addEventListener("htmx:beforeRequest", (e) => { if (dialog && !dialog.open) remember(e.detail.elt); });
  doc.addEventListener("htmx:afterSwap", (e) => {
    const target = e.detail.target;
    prepare(doc);
    tick();
    if (target === dialog) show(dialog, opener && opener.el);
    const wrong = target.isConnected && !live(e.detail.requestConfig.elt) && $("[aria-invalid]", target.closest("dialog") || doc);
    if (wrong) wrong.focus();
    else if (target === dialog) dialog.scrollTop = 0;
    else if (target.matches("[data-errors]")) target.scrollIntoView({ block: "nearest" });
  });
  doc.addEventListener("htmx:afterRequest", (e) => { if (e.detail.elt.matches("form")) busy(e.detail.elt, false); });
  // A form that got no answer and is sent again as it was has its effect once.
  const unanswered = new WeakMap();
  doc.addEventListener("htmx:configRequest", (e) => {
    const { elt, verb, path, formData, headers } = e.detail;
    if (verb === "get") return;
    const text = `${path}?${new URLSearchParams(formData)}`;
    const was = unanswered.get(elt);
    const key = was && was.text === text ? was.key : crypto.getRandomValues(new Uint32Array(4)).join("-");
    unanswered.set(elt, { text, key });
    headers["Idempotency-Key"] = key;
  });
  doc.addEventListener("htmx:afterRequest", (e) => { if (e.detail.xhr.status) unanswered.delete(e.detail.elt); });
  for (const silent of ["htmx:sendError", "htmx:timeout"]) doc.addEventListener(silent, (e) => {
    if (live(e.detail.elt)) return;
    const slot = errorSlot(e.detail.elt);
    if (!slot) return;
    if (!e.detail.elt.contains(slot)) $("#dlg-title", dialog).textContent = "No answer";
    const note = doc.createElement("div");
    note.className = "notice bad";
    note.setAttribute("role", "alert");
    note.textContent = e.detail.requestConfig.verb === "get" ? "The server did not answer: try again." : "The server did not answer, and it is not known whether this was done. Send it again: what was done is not done twice.";
    slot.replaceChildren(note);
  });
  // clear empties a form for the next one; reset would bring back what a
  // refused try had left in it.
  const clear = (form) => {
    form.reset();
    for (const f of form.querySelectorAll("input[type=text],input[type=datetime-local],textarea")) {
      f.value = f.defaultValue = "";
      f.removeAttribute("aria-invalid");
    }
    for (const old of form.querySelectorAll(".error,.notice.bad")) old.remove();
  };
  doc.addEventListener("agentry:done", (e) => {
    const form = e.target;
    if (form.closest && form.closest("dialog")) form.closest("dialog").close();
    else if (form.matches && form.matches("form:not([data-keep])")) clear(form);
    say("Done");
  });

  // The current tab of a narrow bar is brought into sight without moving the page.
  for (const tab of doc.querySelectorAll(".tabs [aria-current]")) {
    const bar = tab.parentElement;
    bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
  }
  themeWord();
  tick();
  prepare(doc);
  if (location.hash === "#search") search();
})();
