// A run's events over fetch: POST begins it, GET with Last-Event-ID goes on after a break, as often as needed.
const csrf = document.querySelector("meta[name=csrf]").content;
const headers = csrf ? { "X-CSRF-Token": csrf } : {};

export async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { title: response.statusText, detail: `the server answered ${response.status}` };
  }
}

async function* parsed(body) {
  let rest = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    rest += chunk.replaceAll("\r\n", "\n");
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const event = {};
      for (const line of rest.slice(0, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) event[line.slice(0, colon)] = (event[line.slice(0, colon)] ?? "") + line.slice(colon + 1).replace(/^ /, "");
      }
      rest = rest.slice(end + 2);
      if (event.event) yield { id: Number(event.id), name: event.event, data: JSON.parse(event.data) };
    }
  }
}

const pause = (millis) => new Promise((done) => setTimeout(done, millis));

// Follows a run to its end. `broken` is told when the connection broke and when it is back.
export async function follow(first, { run, each, broken }) {
  let last = 0;
  let tries = 0;
  let response = first;
  while (true) {
    try {
      response ??= await fetch(`/v1/chat/${run}/events`, { headers: { ...headers, "Last-Event-ID": String(last) } });
      if (response.status >= 500) throw new Error("not there yet"); // a proxy says so while a server restarts
      if (!response.ok) {
        const problem = await problemOf(response);
        if (response.status === 404 && tries) Object.assign(problem, { detail: "the server was started anew, and this answer was not finished", remedy: "ask again" });
        if (response.status === 401) Object.assign(problem, { detail: "you are signed out", remedy: "load the page again to sign in" });
        each("error", { problem });
        return;
      }
      if (tries) broken(false);
      tries = 0;
      for await (const event of parsed(response.body)) {
        last = event.id;
        if (event.name === "run") run = event.data.run;
        each(event.name, event.data);
        if (event.name === "answer" || event.name === "error") return;
      }
    } catch {
      // told below; a server that restarts is back in some seconds
    }
    response = null;
    if (!run || tries > 30) {
      each("error", { problem: { title: "Connection lost", detail: "the server does not answer", remedy: "see that it runs, and ask again" } });
      return;
    }
    tries += 1;
    broken(true);
    await pause(Math.min(5000, 300 * tries));
  }
}

export async function post(path, body) {
  return fetch(path, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export async function get(path) {
  return fetch(path, { headers });
}

export async function remove(path) {
  return fetch(path, { method: "DELETE", headers });
}
