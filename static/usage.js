// Draws the plot of usage over the one that the server drew: by day, readable
// with a pointer and with the arrow keys, in the colours of the theme.
(() => {
  "use strict";
  const doc = document;
  if (!window.uPlot) return;
  const dashes = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [14, 4]];
  const dayText = (day, style) => new Date(`${day}T12:00:00Z`).toLocaleDateString(undefined, { timeZone: "UTC", ...style });
  const number = (n) => n.toLocaleString();
  const whole = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((e) => [1, 2, 5].map((n) => n * 10 ** e));
  let shown = null; // { plot, figure, watch }

  // colour asks the style sheet, which knows both themes.
  const colour = (figure, name) => {
    const probe = doc.createElement("i");
    probe.className = name;
    figure.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };

  const marks = (data, tint) => (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.strokeStyle = tint;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const m of data.marks) {
      const x = Math.round(u.valToPos(m.at - 0.5, "x", true));
      if (x < bbox.left) continue;
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  };

  const options = (figure, data, say) => {
    const ink = colour(figure, "ink");
    const grid = { stroke: colour(figure, "rule"), width: 1 };
    const axis = { stroke: ink, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const width = figure.clientWidth;
    const last = data.days.length - 1;
    return {
      width,
      height: width < 480 ? 200 : 260,
      padding: [12, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: false, range: [-0.5, last + 0.5] }, y: { range: [0, data.top] } },
      axes: [
        { ...axis, grid: { show: false }, size: 30, space: 70, incrs: [1, 2, 3, 5, 7, 10, 14, 15, 30, 45], values: (u, at) => at.map((i) => (data.days[i] ? dayText(data.days[i], { day: "numeric", month: "short" }) : "")) },
        { ...axis, size: 20 + 7 * number(data.top).length, incrs: whole, values: (u, at) => at.map(number) },
      ],
      series: [{}, ...data.lines.map((l, i) => ({ label: l.name, stroke: colour(figure, `l${i + 1}`), width: 2, dash: dashes[i], points: { show: data.days.length < 45, size: 5 } }))],
      hooks: { drawAxes: [marks(data, ink)], setCursor: [(u) => say(u.cursor.idx)] },
    };
  };

  const draw = (figure) => {
    const data = JSON.parse(figure.dataset.plot);
    if (shown) close();
    figure.classList.add("drawn");
    const holder = doc.createElement("div");
    holder.className = "canvas";
    const read = doc.createElement("p");
    read.className = "num read";
    const last = data.days.length - 1;
    const words = (i) => `${dayText(data.days[i], { weekday: "short", day: "numeric", month: "short", year: "numeric" })}: ` +
      data.lines.map((l) => `\u2068${l.name}\u2069 ${l.values[i] == null ? "–" : number(l.values[i])}`).join(", ");
    let at = last;
    const say = (i) => {
      if (i == null) return;
      at = i;
      read.textContent = words(i);
      holder.setAttribute("aria-valuenow", i + 1);
      holder.setAttribute("aria-valuetext", read.textContent);
    };
    for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": "Day in the plot", "aria-valuemin": 1, "aria-valuemax": last + 1 })) holder.setAttribute(name, value);
    figure.prepend(holder, read);
    const rows = [data.days.map((_, i) => i), ...data.lines.map((l) => l.values)];
    const plot = new uPlot(options(figure, data, say), rows, holder);
    say(last);
    holder.addEventListener("keydown", (e) => {
      const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 7, PageUp: at + 7, Home: 0, End: last }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      at = Math.min(last, Math.max(0, to));
      plot.setCursor({ left: plot.valToPos(at, "x"), top: 10 });
      say(at);
    });
    const watch = new ResizeObserver(() => {
      const width = figure.clientWidth;
      if (width && width !== plot.width) plot.setSize({ width, height: width < 480 ? 200 : 260 });
    });
    watch.observe(figure);
    shown = { figure, plot, watch, holder, read };
  };
  const close = () => {
    shown.watch.disconnect();
    shown.plot.destroy();
    shown.holder.remove();
    shown.read.remove();
    shown = null;
  };
  const start = () => {
    const figure = doc.querySelector("[data-plot]");
    if (figure && (!shown || shown.figure !== figure)) draw(figure);
  };
  const again = () => { if (shown && shown.figure.isConnected) draw(shown.figure); };

  doc.addEventListener("htmx:afterSwap", start);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new MutationObserver(again).observe(doc.documentElement, { attributeFilter: ["data-theme"] });
  start();
})();
