// Makes a smaller uPlot: what the plot of usage does not use is left out, so
// that a page's scripts keep inside their budget. Lines, linear scales, axes and
// the cursor stay; dates, logarithmic scales, bars, steps, splines, bands, the
// legend table, zooming and plots in step with each other go.
import { readFileSync } from "node:fs";
import { minify } from "terser";
import { leaveOut } from "./smaller.mjs";

// What each function that is not used answers instead.
const unused = {
  // dates: the days have names of their own
  fmtDate: "return () => ''", genTimeStuffs: "return [[], [], () => []]",
  timeAxisStamps: "", timeAxisVals: "", timeAxisVal: "", timeSeriesStamp: "", timeSeriesVal: "",
  // scales that are not linear
  rangeLog: "", logAxisSplits: "", log10AxisValsFilt: "", log2AxisValsFilt: "", asinhAxisSplits: "",
  // bands between lines
  bandFillClipDirs: "return [0, 0]", clipBandLine: "", addBand: "", setBand: "", delBand: "",
  // lines that come and go, the legend as a table, plots in step
  addSeries: "", delSeries: "", setSeries: "", setFocus: "", initLegendRow: "return []", setLegend: "",
  _sync: "return { sub() {}, unsub() {}, pub() {}, plots: [] }",
  // zooming with the pointer
  mouseDown: "", mouseUp: "", dblClick: "", setSelect: "", hideSelect: "",
};

// The module ends with its helpers hung to uPlot: without them nothing refers to
// most of what is left out.
const helpers = "uPlot.assign = assign;";

export async function smallPlot(from) {
  const whole = readFileSync(from, "utf8");
  const end = whole.indexOf(helpers);
  if (end < 0) throw new Error(`${from}: "${helpers}" is not there: read what is left out against this version`);
  const text = leaveOut(from, `${whole.slice(0, end)}window.uPlot = uPlot;`, unused);
  const { code } = await minify(text, { module: true, toplevel: true, compress: { passes: 3, unsafe: true } });
  // A script of its own: nothing of it is global but uPlot.
  return `/*! uPlot, Copyright (c) Leon Sorokin, MIT, https://github.com/leeoniya/uPlot; parts left out */(()=>{"use strict";${code}})();\n`;
}
