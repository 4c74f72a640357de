// What every page has: the reader's own time as a title, deadlines that count down, keys to other pages.
const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

export function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function times(root = document) {
  for (const one of root.querySelectorAll("time[datetime]")) {
    one.title = local.format(new Date(one.dateTime));
  }
}

// The first sentence of an answer stands out, unless it is as long as the rest of many.
export function worded(place, text = place.textContent) {
  const first = /^[^]+?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
  if (first.length > 240) place.textContent = text;
  else place.replaceChildren(element("strong", first), text.slice(first.length));
}

function countDown() {
  for (const one of document.querySelectorAll("[data-deadline]")) {
    const seconds = Math.floor((new Date(one.dataset.deadline) - Date.now()) / 1000);
    if (seconds <= 0) {
      one.textContent = ": expired";
      for (const button of document.querySelectorAll(".answer button")) button.disabled = true;
    } else {
      one.textContent = `, ${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s left`;
    }
  }
}

const places = { a: "/approvals", i: "/incidents", s: "/summaries", t: "/templates", h: "/" };
let going = 0;

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    const box = document.querySelector("#words, #query");
    if (box) {
      event.preventDefault();
      box.focus();
    }
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500 && places[event.key]) {
    location.assign(places[event.key]);
  }
});

for (const one of document.querySelectorAll("p.said")) worded(one);
for (const one of document.querySelectorAll("img.drawn")) {
  one.addEventListener("error", () => one.remove());
}
times();
countDown();
if (document.querySelector("[data-deadline]")) setInterval(countDown, 1000);
for (const form of document.querySelectorAll("form.answer")) {
  form.addEventListener("submit", (event) => {
    if (event.submitter?.value === "reject" && !form.elements.reason.value.trim()) {
      event.preventDefault();
      form.elements.reason.setCustomValidity("Say why it is rejected.");
      form.elements.reason.reportValidity();
      form.elements.reason.addEventListener("input", () => form.elements.reason.setCustomValidity(""), { once: true });
    }
  });
}
