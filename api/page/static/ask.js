// Asking: the thinking as it comes, the answer, and its evidence beside it. Whatever comes from records is text.
import { follow, post, problemOf, remove } from "./stream.js";
import { closeEvidence, proofs } from "./evidence.js";
import { element, times, worded } from "./page.js";

const place = document.querySelector(".ask");
const form = document.querySelector("#question");
const words = document.querySelector("#words");
const now = document.querySelector("#now");
const turns = document.querySelector("#turns");
const [send, stop] = [document.querySelector("#send"), document.querySelector("#stop")];
let conversation = place.dataset.conversation;
let running = "";

function remember(run) {
  running = run;
  const there = new URLSearchParams(conversation ? { conversation } : {});
  if (run) there.set("run", run);
  history.replaceState(null, "", `/${there.size ? `?${there}` : ""}`);
}

function table(result) {
  const kept = element("div", "", "table");
  kept.tabIndex = 0;
  kept.setAttribute("role", "region");
  kept.setAttribute("aria-label", "Result");
  const made = kept.appendChild(element("table"));
  const head = made.createTHead().insertRow();
  for (const name of result.columns) head.appendChild(element("th", name));
  const body = made.createTBody();
  for (const row of result.rows.slice(0, 50)) {
    const line = body.insertRow();
    for (const cell of row) line.appendChild(element("td", cell === null ? "" : String(cell), typeof cell === "number" ? "number" : String(cell).length > 30 ? "long" : ""));
  }
  if (result.rows.length > 50) kept.appendChild(element("p", `… ${result.rows.length - 50} more rows`, "none"));
  return kept;
}

function pictures(turn, found) {
  if (!found.suspects?.length || !conversation) return;
  for (const name of ["graph", "timeline"]) {
    const picture = element("img");
    picture.alt = name === "graph" ? "Services and their calls, coloured by suspicion" : "What began when";
    picture.loading = "lazy";
    picture.src = `/pictures/${conversation}/${turn.dataset.turn}/${name}.png`;
    picture.addEventListener("error", () => picture.remove());
    turn.append(picture);
  }
}

function complete(turn, found) {
  if (found.result?.columns && found.result.rows?.length) turn.append(table(found.result));
  turn.append(proofs(found));
  const reading = found.query?.interpretation ? `read as: ${found.query.interpretation} · ` : "";
  turn.append(element("p", `${reading}confidence ${Number(found.confidence ?? 0).toFixed(2)} · ${found.analyst}`, "none"));
  for (const note of found.notes ?? []) turn.append(element("p", note, "note"));
  if (found.fallback) turn.append(element("p", `answered without a model: ${found.fallback}`, "note"));
  if (found.approval_outcome) turn.append(element("p", found.approval_outcome.told, "note"));
  if (found.approval) {
    const link = element("a", (found.approval_outcome?.state ?? "pending") === "pending" ? "A fix waits for approval" : "What became of the fix", "button");
    link.href = `/approvals/${encodeURIComponent(found.approval)}`;
    turn.append(link);
  }
  pictures(turn, found);
  times(turn);
}

function shown(problem) {
  const told = element("p", `${problem.detail ?? problem.title}${problem.remedy ? ` — ${problem.remedy}` : ""}`, "problem");
  told.setAttribute("role", "alert");
  return told;
}

function list(ident, title) {
  const places = document.querySelector(".list ul");
  places.querySelector(".none")?.remove();
  const link = element("a", title || "…");
  link.href = `/?conversation=${encodeURIComponent(ident)}`;
  link.setAttribute("aria-current", "true");
  const item = element("li");
  item.append(link);
  places.prepend(item);
}

function busy(on) {
  send.disabled = on;
  stop.hidden = !on;
}

async function watch(question, response, run) {
  busy(true);
  const turn = element("article", "", "turn");
  turn.dataset.turn = String(turns.children.length + 1);
  turn.append(element("h2", question || "…"));
  const steps = turn.appendChild(element("ol", "", "steps"));
  const state = turn.appendChild(element("p", "thinking", "none working"));
  const said = turn.appendChild(element("p", "", "said"));
  now.replaceChildren(turn);
  await follow(response, {
    run,
    broken: (on) => { state.textContent = on ? "the connection broke; trying again" : "thinking"; },
    each: (name, data) => {
      if (name === "run") {
        const fresh = data.conversation && data.conversation !== conversation;
        conversation = data.conversation ?? conversation;
        remember(data.run);
        sessionStorage.setItem(`question ${data.run}`, question);
        if (fresh) list(conversation, question);
      } else if (name === "status") state.textContent = data.text;
      else if (name === "tool_result") steps.append(element("li", `${data.id} ${data.summary}`));
      else if (name === "token" && data.draft) said.textContent = data.text;
      else if (name === "token") {
        if (!said.dataset.final) said.textContent = "";
        said.dataset.final = "yes";
        said.textContent += data.text;
      } else if (name === "error") {
        turn.append(shown(data.problem));
        words.value ||= question; // to ask again
      }
      else if (name === "answer") {
        turn.querySelector("h2").textContent = data.question;
        const kept = turns.lastElementChild?.dataset.answer;
        if (!response && kept && JSON.parse(kept).question === data.question && JSON.parse(kept).answer === data.answer) turns.lastElementChild.remove();
        worded(said, data.answer);
        complete(turn, data);
      }
    },
  });
  state.remove();
  if (steps.children.length > 3) {
    const folded = element("details");
    folded.append(element("summary", `${steps.children.length} looks at the records`), steps);
    said.after(folded);
  }
  turns.append(turn);
  now.replaceChildren();
  sessionStorage.removeItem(`question ${running}`);
  remember("");
  busy(false);
  words.focus({ preventScroll: true });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const question = words.value.trim();
  if (!question || running) return;
  const asked = { question, kind: document.querySelector("#why").checked ? "investigate" : "ask" };
  const since = document.querySelector("#since").value.trim();
  if (since) asked.since = since;
  if (conversation) asked.conversation = conversation;
  document.querySelector("h1").className = "hidden";
  busy(true);
  try {
    const response = await post("/v1/chat", asked);
    if (!response.ok) {
      now.replaceChildren(shown(await problemOf(response)));
      busy(false);
      return;
    }
    words.value = "";
    await watch(question, response, "");
  } catch {
    now.replaceChildren(shown({ detail: "the server does not answer", remedy: "see that it runs, and ask again" }));
    busy(false);
  }
});

words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => running && remove(`/v1/chat/${running}`));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeEvidence());

for (const turn of turns.children) complete(turn, JSON.parse(turn.dataset.answer));
const given = new URLSearchParams(location.search).get("run");
if (given) watch(sessionStorage.getItem(`question ${given}`) ?? "", null, given);
else words.focus({ preventScroll: true });
