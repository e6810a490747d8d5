// Choosing agents of the list: one, a range, the page, all that match. What is
// chosen outlives live updates, other pages of the list and a reload; it
// belongs to the list with its filters, to who chose in which team, and to this
// tab.
(() => {
  "use strict";
  const doc = document;
  const bar = doc.getElementById("bulk");
  const slot = "picked";
  const load = () => {
    try {
      return JSON.parse(sessionStorage.getItem(slot)) || {};
    } catch {
      return {};
    }
  };
  const save = (what) => {
    try {
      what ? sessionStorage.setItem(slot, JSON.stringify(what)) : sessionStorage.removeItem(slot);
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
  };
  // What was begun is chosen no more.
  doc.addEventListener("submit", (e) => { if (e.target.matches("[data-picked-used]")) save(null); });
  if (!bar) return;

  const $ = (selector) => bar.querySelector(selector);
  const list = `${doc.body.dataset.as} ${bar.dataset.list}`;
  const total = Number(bar.dataset.total);
  const before = load();
  const picked = new Set(before.list === list ? before.ids : []);
  let all = before.list === list && !!before.all;
  let last = "";
  const boxes = () => [...doc.querySelectorAll("td > label > [name=ids]")];
  const page = doc.querySelector("[data-page]");
  const number = (n) => n.toLocaleString("en");

  const paint = () => {
    for (const row of doc.querySelectorAll("[data-gone]")) picked.delete(row.id.slice(6));
    const here = boxes();
    const away = new Set(picked);
    for (const box of here) {
      box.checked = all || picked.has(box.value);
      away.delete(box.value);
    }
    const full = here.length > 0 && here.every((box) => box.checked);
    if (page) {
      page.checked = full;
      page.indeterminate = !full && here.some((box) => box.checked);
    }
    const text = all ? `All ${number(total)} matching selected`
      : `${number(picked.size)} selected${away.size && away.size < picked.size ? `, ${number(away.size)} not on this page` : away.size ? ", not on this page" : ""}`;
    $("[data-count]").textContent = text;
    $("[name=all]").checked = all;
    $("[data-pick=page]").hidden = full || here.length === 0;
    $("[data-pick=all]").hidden = all || !full || total <= here.length;
    bar.classList.toggle("on", all || picked.size > 0);
    $("[data-rest]").replaceChildren(...[...away].map((id) => Object.assign(doc.createElement("input"), { type: "hidden", name: "ids", value: id })));
    save(all || picked.size ? { list, all, ids: [...picked] } : null);
    return text;
  };
  const told = () => {
    const text = paint();
    const said = doc.getElementById("said");
    if (said) said.textContent = text;
  };
  const choose = (box, range) => {
    const here = boxes();
    if (all) {
      all = false;
      for (const b of here) picked.add(b.value);
    }
    const at = here.indexOf(box);
    const from = range ? here.findIndex((b) => b.value === last) : -1;
    for (const b of from < 0 ? [box] : here.slice(Math.min(at, from), Math.max(at, from) + 1)) {
      box.checked ? picked.add(b.value) : picked.delete(b.value);
    }
    last = box.value;
    told();
  };
  const pick = {
    page: () => { for (const b of boxes()) picked.add(b.value); },
    all: () => { pick.page(); all = true; },
    none: () => { all = false; picked.clear(); },
  };
  doc.addEventListener("click", (e) => {
    const box = e.target.closest("td > label > [name=ids]");
    const button = e.target.closest("[data-pick]");
    if (box) return choose(box, e.shiftKey);
    if (e.target === page) {
      all = false;
      for (const b of boxes()) page.checked ? picked.add(b.value) : picked.delete(b.value);
    } else if (button) {
      pick[button.dataset.pick]();
    } else {
      return;
    }
    told();
    // The button that was pressed may be away now.
    if (button && !button.offsetParent) (bar.matches(".on") ? $("[data-pick=none]") : page && page.offsetParent ? page : doc.getElementById("main")).focus({ preventScroll: true });
  });

  // Keys: j and k go from agent to agent, x chooses the one that has the focus.
  doc.addEventListener("keydown", (e) => {
    const in_ = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || doc.querySelector("dialog[open]") || in_.matches("input:not([type=checkbox]),textarea,select")) return;
    const rows = [...doc.querySelectorAll(".agents tbody tr")];
    const at = rows.indexOf(in_.closest("tr"));
    const box = at >= 0 && rows[at].querySelector("[name=ids]");
    if (e.key === "Enter" && in_.matches("[name=ids],[data-page]")) {
      // Without this it would send the bar's form.
      e.preventDefault();
      in_.click();
    } else if ((e.key === "x" || e.key === "X") && box) {
      box.checked = !box.checked;
      choose(box, e.shiftKey);
    } else if (e.key === "j" || e.key === "k") {
      const to = rows[at < 0 ? 0 : at + (e.key === "j" ? 1 : -1)];
      const name = to && to.querySelector(".name,a");
      if (name) name.focus();
    }
  });
  doc.addEventListener("htmx:afterSwap", paint);
  addEventListener("pageshow", paint);
})();
