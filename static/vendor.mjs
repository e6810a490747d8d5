// Copies what the pages and the browser tests load out of node_modules.
import { copyFileSync, mkdirSync } from "node:fs";

const files = {
  "htmx.min.js": "node_modules/htmx.org/dist/htmx.min.js",
  "axe.min.js": "node_modules/axe-core/axe.min.js", // for tests; never served
};

mkdirSync("vendor", { recursive: true });
for (const [name, from] of Object.entries(files)) copyFileSync(from, `vendor/${name}`);
