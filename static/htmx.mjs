// Makes a smaller htmx: what no page uses is left out. Forms and links that are
// boosted or posted, swaps, events and the headers of answers stay; the history,
// triggers other than an element's own, values out of attributes, swaps out of
// band, preserved elements, hx-on, scrolling, extensions and eval go.
import { readFileSync } from "node:fs";
import { minify } from "terser";
import { leaveOut } from "./smaller.mjs";

const unused = {
  // the history: every boosted part says hx-push-url=false
  determineHistoryUpdates: "return {}", saveCurrentPageToHistory: "", saveToHistoryCache: "", getCachedHistory: "return null",
  loadHistoryFromServer: "", restoreHistory: "", pushUrlIntoHistory: "", replaceUrlInHistory: "",
  // hx-trigger, hx-on, hx-vals, hx-vars, hx-params, hx-disabled-elt
  parseAndCacheTrigger: "return []", initScrollHandler: "", addTriggerHandler: "addEventListener(elt, handler, nodeData, triggerSpec)",
  processHxOnWildcard: "", shouldProcessHxOn: "return false", addHxOnEventHandler: "",
  getExpressionVars: "return {}", filterValues: "return inputValues", disableElements: "return []",
  // swaps out of band and partial ones, preserved elements, scrolling
  findAndSwapOobElements: "return false", findAndSwapPartials: "return false", oobSwap: "", handlePreservedElements: "", restorePreservedElements: "", updateScrollState: "",
  // extensions and eval
  getExtensions: "return []", defineExtension: "", removeExtension: "", internalEval: "",
};

// What hangs on htmx for others to call, without which nothing refers to it.
const helpers = ["onLoad", "on", "off", "find", "findAll", "closest", "remove", "addClass", "removeClass", "toggleClass", "takeClass", "swap", "defineExtension", "removeExtension", "logAll", "logNone", "parseInterval", "_"];

export async function smallHtmx(from) {
  let text = leaveOut(from, readFileSync(from, "utf8"), unused);
  for (const name of helpers) {
    const line = new RegExp(`^  htmx\\.${name} = \\w+\\n`, "m");
    if (!line.test(text)) throw new Error(`${from}: htmx.${name} is not there: read what is left out against this version`);
    text = text.replace(line, "");
  }
  const { code } = await minify(text, { ecma: 2020, compress: { passes: 3 } });
  return `/*! htmx, Big Sky Software, 0BSD, https://htmx.org; parts left out */${code}\n`;
}
