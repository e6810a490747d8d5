// Copies what the pages and the browser tests load out of node_modules, and
// makes our own scripts small.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { minify } from "terser";
import { smallHtmx } from "./htmx.mjs";
import { smallPlot } from "./uplot.mjs";

const files = {
  "uplot.min.css": "node_modules/uplot/dist/uPlot.min.css",
  "axe.min.js": "node_modules/axe-core/axe.min.js", // for tests; never served
};

mkdirSync("vendor", { recursive: true });
for (const [name, from] of Object.entries(files)) copyFileSync(from, `vendor/${name}`);
writeFileSync("vendor/htmx.min.js", await smallHtmx("node_modules/htmx.org/dist/htmx.js"));
writeFileSync("vendor/uplot.min.js", await smallPlot("node_modules/uplot/dist/uPlot.esm.js"));

// The name carries the hash of the source: static.go takes a minified script
// only for the very one that it was made of.
rmSync("vendor/own", { recursive: true, force: true });
mkdirSync("vendor/own");
for (const name of readdirSync(".").filter((n) => n.endsWith(".js"))) {
  const source = readFileSync(name);
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 12);
  const { code } = await minify(source.toString(), { ecma: 2020, compress: { passes: 2 } });
  writeFileSync(`vendor/own/${name.replace(/\.js$/, "")}.${hash}.js`, `${code}\n`);
}
