// Evidence beside the answer: what was asked of the records, lines in context, a trace as a waterfall.
import { element } from "./page.js";
import { get, problemOf } from "./stream.js";

const place = document.querySelector(".ask");
const panel = document.querySelector("#evidence");
const [heading, body] = [panel.querySelector("h2"), panel.querySelector(".body")];
let opener = null;

export function closeEvidence() {
  if (panel.hidden) return;
  panel.hidden = true;
  place.classList.remove("beside");
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus();
}

function open(button, title) {
  opener?.setAttribute("aria-expanded", "false");
  opener = button;
  button.setAttribute("aria-expanded", "true");
  heading.textContent = title;
  body.replaceChildren();
  panel.hidden = false;
  place.classList.add("beside");
  heading.focus();
}

export function proofs(found) {
  const row = element("div", "", "proofs");
  for (const one of found.evidence ?? []) {
    const button = element("button", `${one.id} ${one.tool}: ${one.status.replaceAll("_", " ")}, ${one.total.toLocaleString("en")} records`);
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-controls", "evidence");
    button.addEventListener("click", () => show(button, one));
    row.append(button);
  }
  return row;
}

function show(button, one) {
  open(button, `${one.id} ${one.tool}`);
  const { window: span } = one;
  body.append(element("p", `${one.status.replaceAll("_", " ")}: ${one.total.toLocaleString("en")} of ${(one.searched ?? 0).toLocaleString("en")} records`, "meta"));
  if (span?.start || span?.end) body.append(element("p", `${span.start ?? "the beginning"} to ${span.end ?? "the end"} (UTC)`, "meta"));
  if (one.error) body.append(element("p", one.error, "problem"));
  for (const line of one.excerpt ?? []) body.append(drawn(line));
  const folded = element("details");
  folded.append(element("summary", "what was asked"), element("pre", JSON.stringify(one.query, null, 1), "line"));
  body.append(folded);
}

function drawn(line, hit = false) {
  const kept = element("div");
  kept.append(element("p", `${line.source}:${line.line_no}`, "meta"));
  kept.append(element("pre", line.text, hit ? "line hit" : "line"));
  const around = element("button", "in context", "more quiet");
  around.type = "button";
  around.addEventListener("click", () => context(kept, line));
  kept.append(around);
  const trace = /\b[0-9a-f]{32}\b/.exec(line.text ?? "");
  if (trace) {
    const follow = element("button", "its trace", "more quiet");
    follow.type = "button";
    follow.addEventListener("click", () => waterfall(kept, trace[0]));
    kept.append(follow);
  }
  return kept;
}

async function fetched(kept, path) {
  const response = await get(path);
  if (response.ok) return response.json();
  kept.append(element("p", (await problemOf(response)).detail, "note"));
  return null;
}

async function context(kept, line) {
  const found = await fetched(kept, `/v1/lines/context?${new URLSearchParams({ source: line.source, line: line.line_no, around: 5 })}`);
  if (!found) return;
  const lines = found.found?.result?.lines ?? [];
  kept.replaceChildren(element("p", `${line.source}, around line ${line.line_no}`, "meta"), ...lines.map((one) => element("pre", `${one.line_no}  ${one.text}`, one.line_no === line.line_no ? "line hit" : "line")));
}

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

async function waterfall(kept, trace) {
  const found = await fetched(kept, `/v1/traces/${trace}`);
  const spans = found?.spans ?? [];
  if (!found) return;
  if (!spans.length) {
    kept.append(element("p", "no spans of this trace are kept", "note"));
    return;
  }
  const least = Math.min(...spans.map((one) => one.start_ms));
  const most = Math.max(...spans.map((one) => one.start_ms + one.duration_ms)) - least || 1;
  const drawing = svg("svg", { class: "waterfall", viewBox: `0 0 600 ${spans.length * 18}`, role: "img", "aria-label": `trace ${trace}: ${spans.length} spans in ${most.toFixed(0)} ms` });
  spans.forEach((one, row) => {
    const x = ((one.start_ms - least) / most) * 600;
    drawing.append(svg("rect", { x, y: row * 18 + 12, width: Math.max(1, (one.duration_ms / most) * 600), height: 4, class: one.error ? "error" : "" }));
    drawing.append(svg("text", { x: Math.min(x, 360), y: row * 18 + 10 }, `${one.service} ${one.name} ${one.duration_ms.toFixed(1)} ms`.slice(0, 80)));
  });
  kept.append(drawing);
}

panel.querySelector(".close").addEventListener("click", closeEvidence);
