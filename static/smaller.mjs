// Makes a smaller build of a library: what the pages do not use is left out, so
// that their scripts keep inside their budget.

// leaveOut gives each function named in unused the body there. One that is not
// in the text is an error: read what is left out against the new version.
export function leaveOut(from, text, unused) {
  for (const [name, body] of Object.entries(unused)) {
    const found = new RegExp(`^([\\t ]*)function ${name}\\([^\\n]*\\) \\{\\n`, "m").exec(text);
    if (!found) throw new Error(`${from}: function ${name} is not there: read what is left out against this version`);
    const close = text.indexOf(`\n${found[1]}}\n`, found.index);
    const head = found[0].trimEnd();
    text = `${text.slice(0, found.index)}${head} ${body} }${text.slice(close + found[1].length + 2)}`;
  }
  return text;
}
