// Copies what the pages and the browser tests load out of node_modules.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { smallPlot } from "./uplot.mjs";

const files = {
  "htmx.min.js": "node_modules/htmx.org/dist/htmx.min.js",
  "uplot.min.css": "node_modules/uplot/dist/uPlot.min.css",
  "axe.min.js": "node_modules/axe-core/axe.min.js", // for tests; never served
};

mkdirSync("vendor", { recursive: true });
for (const [name, from] of Object.entries(files)) copyFileSync(from, `vendor/${name}`);
writeFileSync("vendor/uplot.min.js", await smallPlot("node_modules/uplot/dist/uPlot.esm.js"));
