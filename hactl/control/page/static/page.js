// The page as a whole: the live connection, the snapshot it keeps, and what operators do.
// The law: the snapshot is the daemon's; the page only applies the merge patches (RFC 7396) it is sent, and draws.

import {Problems} from "./problems.js";
import {View} from "./view.js";

const RETRY = 2000, REDRAW = 1000, SILENT = 25000;
const byId = id => document.getElementById(id);
let snapshot = null, token = sessionStorage.getItem("hactl-token") || "", heard = 0, dirty = false;

const view = new View({
  mayAct: () => Boolean(token),
  act: ask,
});

const problems = new Problems(view);

function merge(target, patch) {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete target[name];
    else if (value && typeof value === "object" && !Array.isArray(value) && target[name] && typeof target[name] === "object" && !Array.isArray(target[name])) merge(target[name], value);
    else target[name] = value;
  }
}

function connect() {
  const source = new EventSource("v1/live");
  const on = (name, act) => source.addEventListener(name, message => { heard = Date.now(); act(JSON.parse(message.data)); });
  on("status", status => { snapshot = status; dirty = true; linked("live", "up"); });
  on("patch", patch => { if (snapshot) { merge(snapshot, patch); dirty = true; linked("live", "up"); } });
  on("event", event => view.event(event, true));
  on("trouble", text => linked(text, "down"));
  source.onopen = () => { heard = Date.now(); recent(); };
  source.onerror = () => {
    linked("no connection; what you see is old", "down");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY);
  };
}

function linked(text, state) {
  const pill = byId("link");
  if (pill.textContent !== text) pill.textContent = text;
  pill.className = "pill " + state;
  document.body.classList.toggle("stale", state !== "up");
}

async function recent() {
  const answer = await fetch("v1/events?last=true&limit=100").then(r => r.json()).catch(() => ({events: []}));
  view.events(answer.events || []);
}

setInterval(() => {
  if (heard && Date.now() - heard > SILENT) linked("nothing heard for a while; what you see is old", "down");
  if (snapshot && (dirty || view.hasTimes) && !document.hidden) { view.draw(snapshot, Date.now() / 1000, dirty); if (dirty) problems.draw(snapshot); dirty = false; }
}, REDRAW / 4);

// ---- operators ---------------------------------------------------------------------------------------------------

let toastEnds = 0;
function toast(text) {
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  clearTimeout(toastEnds);
  toastEnds = setTimeout(() => { byId("toast").hidden = true; }, 8000);
}

function shown(dialog) {
  return new Promise(resolve => {
    dialog.returnValue = "cancel";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok"), {once: true});
    dialog.showModal();
  });
}

// Asks once more, then has it done: `what` is {title, text, button, path, body, timed, reasoned}.
async function ask(what) {
  byId("act-title").textContent = what.title;
  byId("act-text").textContent = what.text;
  byId("act-ok").textContent = what.button;
  byId("act-for").hidden = !what.timed;
  byId("act-why").hidden = !what.reasoned;
  byId("act-reason").value = "";
  if (!await shown(byId("act-dialog"))) return;
  const body = {...what.body};
  if (what.timed && byId("act-seconds").value) body.for_seconds = Number(byId("act-seconds").value);
  if (what.reasoned) body.reason = byId("act-reason").value;
  try {
    const response = await fetch("v1/" + what.path, {
      method: "POST", body: JSON.stringify(body),
      headers: {"Content-Type": "application/json", Authorization: "Bearer " + token},
    });
    const answer = await response.json();
    if (response.status === 403) forget();
    toast(answer.error ? answer.error.message : told(answer, what));
  } catch (error) {
    toast("Not done: " + error.message);
  }
}

function told(answer, what) {
  const routers = (answer.routers || []).map(router => `${router.router}: ${router.text}`);
  return [what.title + ": done.", ...routers, ...(answer.warnings || [])].join(" ");
}

function forget() {
  token = "";
  sessionStorage.removeItem("hactl-token");
  operating();
}

function operating() {
  byId("operate").textContent = token ? "Stop operating" : "Operate…";
  document.body.classList.toggle("operating", Boolean(token));
  view.forget(); problems.forget();
  dirty = true;
}

byId("operate").addEventListener("click", async () => {
  if (token) { forget(); return; }
  byId("token").value = "";
  if (await shown(byId("token-dialog")) && byId("token").value) {
    token = byId("token").value.trim();
    sessionStorage.setItem("hactl-token", token);
    operating();
  }
});
byId("filter").addEventListener("change", event => { view.onlyTrouble = event.target.value === "trouble"; view.forget(); dirty = true; });

fetch("v1/page").then(r => r.json()).then(page => { byId("operate").hidden = !page.operable; if (!page.operable) token = ""; operating(); });
connect();
