// The palette: one field for every agent, page and action. Loaded when it is
// opened first; the server makes the offers and this only walks through them.
(() => {
  "use strict";
  const doc = document;
  const wait = 120; // milliseconds without a key before the server is asked
  const box = doc.createElement("dialog");
  box.id = "palette";
  box.setAttribute("aria-label", "Search and commands");
  box.innerHTML = '<form class="dlg" method="dialog"><input class="search" type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list" aria-label="Search agents, pages and actions" placeholder="Search agents, pages and actions" autocomplete="off" autocapitalize="off" spellcheck="false" dir="auto" maxlength="100"/><div class="offers"><div id="palette-list" role="listbox" aria-label="Offers"></div></div><p class="vh" role="status" aria-live="polite"></p></form>';
  doc.body.append(box);
  const field = box.querySelector("input");
  const offers = box.querySelector(".offers");
  const said = box.querySelector("[role=status]");
  let asked = 0;
  let timer = 0;
  let current = null;

  const options = () => [...offers.querySelectorAll("[role=option]")];
  const mark = (option) => {
    if (current) current.setAttribute("aria-selected", "false");
    current = option || null;
    if (!current) return field.removeAttribute("aria-activedescendant");
    current.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", current.id);
    current.scrollIntoView({ block: "nearest" });
  };
  const ask = async () => {
    const n = ++asked;
    const to = new URL(doc.body.dataset.palette, location.href);
    to.searchParams.set("q", field.value);
    to.searchParams.set("at", location.pathname);
    let text;
    try {
      const res = await fetch(to, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
      if (res.headers.get("HX-Redirect")) return location.assign(res.headers.get("HX-Redirect"));
      text = await res.text();
    } catch {
      text = '<p class="error">The server does not answer. Try again in a moment.</p>';
    }
    if (n !== asked) return;
    offers.innerHTML = text;
    const list = options();
    said.textContent = list.length === 1 ? "1 offer" : `${list.length || "No"} offers`;
    mark(list[0]);
  };
  const send = (action) => {
    const form = doc.createElement("form");
    form.method = "post";
    form.action = action;
    doc.body.append(form);
    form.submit();
  };
  const click = (selector) => doc.querySelector(selector).click();
  const own = { theme: () => click("[data-theme-toggle]"), help: () => click("[data-help]"), logout: () => send("/logout") };
  const take = (option) => {
    if (!option) return;
    const { href, ask: form, post, do: name } = option.dataset;
    if (href) return location.assign(href);
    box.close();
    if (form) htmx.ajax("GET", form, { target: "#dialog", source: doc.body });
    else if (post) send(post);
    else own[name]();
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, wait);
  });
  field.addEventListener("keydown", (e) => {
    const list = options();
    const at = list.indexOf(current);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8 }[e.key];
    if (to !== undefined && list.length) {
      e.preventDefault();
      const ends = e.key.startsWith("Page") ? Math.min(list.length - 1, Math.max(0, to)) : (to + list.length) % list.length;
      mark(list[ends]);
    } else if (e.key === "Enter" && !e.isComposing) {
      e.preventDefault();
      take(current);
    }
  });
  box.addEventListener("submit", (e) => e.preventDefault());
  box.addEventListener("click", (e) => {
    if (e.target === box) return box.close();
    take(e.target.closest("[role=option]"));
  });
  const open = () => {
    if (box.open) return box.close();
    if (doc.querySelector("dialog[open]")) return;
    field.value = "";
    box.showModal();
    ask();
  };
  doc.addEventListener("agentry:palette", open);
  open();
})();
