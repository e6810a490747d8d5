// Starts the demo, signs in and measures the fleet page and an agent's page
// with Lighthouse, as on a desktop and as on a phone. Fails where a category is
// under 95. The path of the program is the argument.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import lighthouse, { desktopConfig } from "lighthouse";
import { launch } from "chrome-launcher";

const least = 0.95;
const categories = ["performance", "accessibility", "best-practices"];
const reports = new URL("../../../artifacts/", import.meta.url);

// demo starts the program and answers when it has printed its API key.
function demo(program) {
  const child = spawn(program, ["demo", "--addr", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    let printed = "";
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the demo ended with ${code}: ${printed}`)));
    child.stdout.on("data", (data) => {
      printed += data;
      const url = printed.match(/http:\/\/[0-9.:]+/);
      const [, email, password] = printed.match(/sign in +(\S+) +(\S+)/) || [];
      if (url && password && /API key +\S+\n/.test(printed)) resolve({ child, url: url[0], email, password });
    });
  });
}

async function signIn({ url, email, password }) {
  const res = await fetch(`${url}/login`, { method: "POST", redirect: "manual", body: new URLSearchParams({ email, password }), headers: { Origin: url } });
  const cookie = res.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
  if (res.status !== 303 || !cookie) throw new Error(`sign-in: ${res.status}`);
  return cookie;
}

async function agentPath(url, cookie) {
  const html = await (await fetch(`${url}/fleet?status=running&sort=name`, { headers: { Cookie: cookie } })).text();
  const id = html.match(/id="agent-([0-9a-f-]+)"/);
  if (!id) throw new Error("no running agent is in the list");
  return `/fleet/${id[1]}`;
}

const server = await demo(process.argv[2]);
const chrome = await launch({ chromePath: process.env.CHROME_PATH || "/usr/bin/chromium", chromeFlags: ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
let low = 0;
try {
  const cookie = await signIn(server);
  mkdirSync(reports, { recursive: true });
  for (const [name, path] of [["fleet", "/fleet"], ["agent", await agentPath(server.url, cookie)]]) {
    for (const [device, config] of [["desktop", desktopConfig], ["phone", undefined]]) {
      const { lhr, report } = await lighthouse(server.url + path, { port: chrome.port, output: "html", logLevel: "error", onlyCategories: categories, extraHeaders: { Cookie: cookie } }, config);
      if (!lhr.finalDisplayedUrl.endsWith(path)) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
      writeFileSync(new URL(`lighthouse-${name}-${device}.html`, reports), report);
      const scores = categories.map((c) => lhr.categories[c].score);
      console.log(`${name}, ${device}: ${categories.map((c, i) => `${c} ${Math.round(scores[i] * 100)}`).join(", ")}`);
      for (const [i, c] of categories.entries()) {
        if (scores[i] >= least) continue;
        low++;
        for (const ref of lhr.categories[c].auditRefs) {
          const audit = lhr.audits[ref.id];
          if (ref.weight > 0 && audit.score !== null && audit.score < 0.9) console.log(`  ${c}: ${audit.title} ${audit.displayValue || ""}`);
        }
      }
    }
  }
} finally {
  server.child.removeAllListeners("exit");
  server.child.kill("SIGTERM");
  chrome.kill();
}
if (low) {
  console.error(`${low} of the figures are under ${least * 100}; the reports are in artifacts/`);
  process.exit(1);
}
