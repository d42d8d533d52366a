// What is drawn from a snapshot. The law: an element is made once, kept by its key, and touched only where it changed,
// so that thousands of servers cost nothing while they stand still. Text only, never markup, comes from the daemon.

import {Chart, short} from "./chart.js";

const OPEN_AT_MOST = 50, ROWS = 200, EVENTS = 200;
const byId = id => document.getElementById(id);

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

export function say(element, text) { if (element.textContent !== text) element.textContent = text; }
export function pill(element, state, text = state) { say(element, text); const name = "pill " + state; if (element.className !== name) element.className = name; }

function ago(text, now) {
  const seconds = Math.max(0, now - Date.parse(text) / 1000);
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (seconds >= 2 * size) return Math.floor(seconds / size) + " " + unit;
  return Math.floor(seconds) + " s";
}

// The host's own time of day, with the date where it is not today's.
function clock(text) {
  const at = new Date(text), today = at.toDateString() === new Date().toDateString(), two = n => String(n).padStart(2, "0");
  return (today ? "" : `${two(at.getMonth() + 1)}-${two(at.getDate())} `) + [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
}

// Elements by key in a container: made where they are missing, removed where they are gone, in the order given.
export class Keyed {
  constructor(container, create) { this.container = container; this.create = create; this.items = new Map(); }
  update(entries) {
    const wanted = new Set(entries.map(([key]) => key));
    for (const [key, item] of this.items) if (!wanted.has(key)) { item.element.remove(); this.items.delete(key); }
    let place = null;
    for (const [key, value] of entries) {
      let item = this.items.get(key);
      if (!item) { item = this.create(key); this.items.set(key, item); }
      const next = place ? place.nextElementSibling : this.container.firstElementChild;
      if (next !== item.element) this.container.insertBefore(item.element, next);
      place = item.element;
      item.update(value);
    }
  }
  clear() { for (const item of this.items.values()) item.element.remove(); this.items.clear(); }
}

export class View {
  constructor({mayAct, act}) {
    this.mayAct = mayAct; this.act = act; this.onlyTrouble = false; this.hasTimes = true;
    this.times = new Map(); this.lastTimes = 0;
    this.directors = new Keyed(byId("directors"), name => new Director(this, name));
    this.routers = new Keyed(byId("routers").tBodies[0], name => new Router(this, name));
    this.services = new Keyed(byId("service-list"), name => new Service(this, name));
  }

  forget() { this.directors.clear(); this.routers.clear(); this.services.clear(); }

  draw(status, now, changed) {
    this.now = now; this.status = status;
    if (changed) this.#drawAll(status);
    if (now - this.lastTimes >= 1) {
      this.lastTimes = now;
      for (const [element, text] of this.times) if (element.isConnected) say(element, ago(text, now)); else this.times.delete(element);
    }
  }

  #drawAll(status) {
    document.title = `${this.#verdict(status)}${status.cluster} · hactl`;
    say(byId("cluster"), status.cluster); say(byId("node"), status.node); say(byId("version"), status.version);
    const peers = Object.entries(status.peers || {});
    this.directors.update([[status.node, {here: true}], ...peers.map(([name, peer]) => [name, peer])]);
    this.#section("routers", this.routers, status.routers || {});
    this.#section("service-list", this.services, status.services || {});
    inside(status);
  }

  #section(id, keyed, things) {
    const entries = Object.entries(things);
    byId(id).closest("section").classList.toggle("empty", !entries.length);
    keyed.update(entries);
  }

  since(element, text) { element.title = text || ""; if (text) { this.times.set(element, text); say(element, ago(text, this.now)); } }

  // One sentence above all, what the problems below do not say, and the mark it leaves in the title.
  #verdict(status) {
    const found = troubles(status);
    const worst = found.some(one => one.state === "down") ? "down" : found.length ? "degraded" : "up";
    const box = byId("verdict").firstElementChild;
    const key = JSON.stringify([found, Object.keys(status.problems || {})]);
    if (this.said !== key) {
      this.said = key;
      box.className = "verdict " + worst;
      box.textContent = found.length ? `${found.length} ${found.length === 1 ? "thing is" : "things are"} not in order` : "Everything is in order.";
      if (found.length) {
        const list = make("ul"), rows = status.problems || {}, alone = found.filter(one => !(one.problem in rows));
        for (const one of alone.slice(0, 12)) list.append(make("li", "", one.text));
        if (alone.length > 12) list.append(make("li", "", `and ${alone.length - 12} more`));
        box.append(list);
      }
    }
    return {up: "", degraded: "△ ", down: "✗ "}[worst];
  }

  masterOf(router, name) {
    const found = Object.entries(this.status.peers || {}).find(([, peer]) => peer.address === router.master || (peer.addresses || []).includes(router.master) || (peer.links || []).some(link => link.peer === router.master));
    if (router.state === "master") return this.status.node;
    return found ? found[0] : router.master || "nobody known";
  }

  // ---- events

  events(rows) { byId("events").replaceChildren(); for (const row of rows) this.event(row, false); }

  event(row) {
    const line = make("li"), time = make("time", "", clock(row.at));
    time.dateTime = row.at; time.title = row.at;
    const change = row.old && row.new ? `${row.old} → ${row.new}` : row.new || "";
    line.append(time, make("span", "pill " + row.severity, row.severity), make("span", "what", `${row.kind} ${row.subject}`), make("span", "why", [change, row.reason].filter(Boolean).join(": ")));
    const list = byId("events");
    list.prepend(line);
    while (list.children.length > EVENTS) list.lastElementChild.remove();
  }
}

function troubles(status) {
  const found = [], add = (state, text, problem = "") => found.push({state, text, problem});
  for (const text of status.splits || []) add("degraded", text);
  for (const [name, router] of Object.entries(status.routers || {})) if (router.state === "fault" || router.state === "init") add(router.state === "fault" ? "down" : "degraded", `router ${name}: ${router.state}, ${router.reason}`, `router ${name}`);
  for (const [name, service] of Object.entries(status.services || {})) if (service.state !== "up") add(service.state === "degraded" ? "degraded" : "down", `service ${name}: ${service.state}, ${service.reason}`, `service ${name}`);
  for (const [name, peer] of Object.entries(status.peers || {})) {
    if (peer.state !== "up") add(peer.state === "down" ? "down" : "degraded", `director ${name}: ${peer.state}`, `peer ${name}`);
    if (peer.config_matches === false) add("degraded", `director ${name} runs another configuration`);
  }
  for (const [name, worker] of Object.entries(status.workers || {})) if (worker.state !== "up") add("down", `worker ${name}: ${worker.state}`);
  for (const [name, channel] of Object.entries(status.channels || {})) if (channel.error) add("degraded", `alerts by ${name}: ${channel.error}`);
  for (const text of status.warnings || []) add("degraded", text);
  return found;
}

class Director {
  constructor(view, name) {
    this.view = view; this.name = name;
    this.element = make("div", "card");
    const title = make("h3", "", name);
    this.state = make("span", "pill unknown"); title.append(this.state);
    this.holds = make("p"); this.what = make("p"); this.since = make("span");
    this.acts = make("div");
    this.element.append(title, this.holds, this.what, this.acts);
  }
  update(peer) {
    const status = this.view.status;
    const holds = Object.entries(status.routers || {}).filter(([, router]) => this.view.masterOf(router) === this.name).map(([name]) => name);
    this.holds.replaceChildren("holds ", make("b", "", holds.join(", ") || "nothing"));
    if (peer.here) {
      const standby = status.standby && Object.keys(status.standby).length ? "stands aside" : "this director";
      pill(this.state, "up", standby);
      this.what.replaceChildren("runs for ", this.since); this.view.since(this.since, status.since);
      this.#offer(status);
    } else {
      pill(this.state, peer.state);
      this.what.replaceChildren(`${peer.address || ""} · for `, this.since, peer.config_matches === false ? " · another configuration" : ""); this.view.since(this.since, peer.since);
    }
  }
  #offer(status) {
    if (!this.view.mayAct() || this.acts.firstChild) return;
    const button = (text, what) => { const b = make("button", "", text); b.type = "button"; b.addEventListener("click", () => this.view.act(what)); return b; };
    this.acts.append(
      button("Standby", {title: `Stand ${this.name} aside`, text: "It hands over every router and takes none until it is resumed.", button: "Stand aside", path: "standby", body: {}}), " ",
      button("Resume", {title: `Resume ${this.name}`, text: "It takes part in elections again.", button: "Resume", path: "resume", body: {}}));
  }
}

class Row {
  constructor(cells) {
    this.element = make("tr");
    this.cells = {};
    for (const [name, className, label] of cells) { const cell = make("td", className); if (label) cell.dataset.label = label; this.cells[name] = cell; this.element.append(cell); }
  }
}

class Router extends Row {
  constructor(view, name) {
    super([["name", "name"], ["master", "", "master"], ["here", ""], ["since", "number", "since"], ["addresses", "", ""], ["priority", "number", "priority"], ["why", "why"], ["acts", "acts"]]);
    this.view = view; this.name = name;
    this.cells.name.append(name, this.sub = make("span", "sub"));
    this.cells.here.append(this.state = make("span", "pill"));
  }
  update(router) {
    say(this.sub, `VRID ${router.vrid} on ${router.interface}`);
    say(this.cells.master, this.view.masterOf(router)); pill(this.state, router.state); this.view.since(this.cells.since, router.since);
    const addresses = router.addresses.map(a => a.replace(/\/(32|128)$/, ""));
    say(this.cells.addresses, addresses.slice(0, 4).join(", ") + (addresses.length > 4 ? ` and ${addresses.length - 4} more` : ""));
    this.cells.addresses.title = addresses.join("\n");
    say(this.cells.priority, router.priority === router.base_priority ? String(router.priority) : `${router.priority} of ${router.base_priority}`);
    say(this.cells.why, router.reason);
    this.element.classList.toggle("trouble", router.state === "fault");
    const offered = router.state === "master" && this.view.mayAct();
    if (offered !== Boolean(this.cells.acts.firstChild)) this.cells.acts.replaceChildren(...offered ? [this.#button()] : []);
  }
  #button() {
    const button = make("button", "", "Hand over"); button.type = "button";
    button.addEventListener("click", () => this.view.act({title: `Hand over ${this.name}`, text: "Another director becomes master; this one holds back for an hour.", button: "Hand over", path: "handover", body: {router: this.name}}));
    return button;
  }
}

class Service {
  constructor(view, name) {
    this.view = view; this.name = name;
    this.element = make("details"); this.chart = new Chart(120, 28);
    const summary = make("summary");
    this.state = make("span", "pill"); this.where = make("span", "soft"); this.count = make("span", "soft"); this.rate = make("span", "rate"); this.why = make("span", "why");
    summary.append(make("span", "name", name), this.state, this.where, this.count, this.rate, this.chart.element, this.why);
    const table = make("table", "servers"), head = make("thead"), row = make("tr");
    table.append(make("caption", "hidden", `Servers of ${name}`));
    for (const [text, className] of [["Server", ""], ["Health", ""], ["Since", "number"], ["Weight", "number"], ["Active", "number"], ["Closing", "number"], ["New / s", "number"], ["Check", "number"], ["Why", ""], ["", "acts"]]) { const th = make("th", className, text); th.scope = "col"; row.append(th); }
    head.append(row); const body = make("tbody"); table.append(head, body);
    const scroll = make("div", "scroll"); scroll.append(table);
    this.more = make("p", "more hidden"); this.element.append(summary, scroll, this.more);
    this.rows = new Keyed(body, key => new Server(view, key, name));
    this.element.addEventListener("toggle", () => { if (this.element.open) this.#servers(); });
    this.touched = false; summary.addEventListener("click", () => { this.touched = true; });
  }
  update(service) {
    this.service = service;
    const servers = Object.values(service.servers || {}), active = servers.filter(s => s.active && s.weight > 0).length;
    pill(this.state, service.state || "unknown");
    say(this.where, service.fwmark === undefined ? `${service.address.includes(":") ? `[${service.address}]` : service.address}:${service.port} ${service.protocol} · ${service.forward} · ${service.scheduler}` : `mark ${service.fwmark} · ${service.forward} · ${service.scheduler}`);
    say(this.count, `${active} of ${servers.length} in service`); say(this.why, service.state === "up" ? "" : service.reason || "");
    const sums = service.counters || {}, rate = this.chart.count(sums.connections || 0, this.view.now);
    const open = servers.reduce((sum, s) => sum + ((s.connections || {}).active || 0), 0);
    say(this.rate, `${short(open)} open${rate === null ? "" : `, ${short(rate)} new/s`}`); this.chart.draw();
    if (!this.touched) this.element.open = servers.length <= OPEN_AT_MOST || (service.state !== "up" && servers.length <= 500);
    if (this.element.open) this.#servers();
  }
  #servers() {
    const all = Object.entries(this.service.servers || {}), bad = ([, s]) => s.health !== "up" || s.admin !== "enabled";
    const first = all.length > ROWS || this.view.onlyTrouble ? [...all.filter(bad), ...this.view.onlyTrouble ? [] : all.filter(s => !bad(s))] : all;
    this.rows.update(first.slice(0, ROWS));
    this.more.classList.toggle("hidden", first.length <= ROWS);
    say(this.more, `${first.length - ROWS} further servers are not drawn; \`hactl status ${this.name}\` shows all.`);
  }
}

class Server extends Row {
  constructor(view, name, service) {
    super([["name", "name"], ["health", ""], ["since", "number", "since"], ["weight", "number", "weight"], ["active", "number", "active"], ["closing", "number", "closing"], ["rate", "number", "new/s"], ["check", "number", "check"], ["why", "why"], ["acts", "acts"]]);
    this.view = view; this.name = name; this.service = service;
    this.cells.name.append(name, this.sub = make("span", "sub"));
    this.cells.health.append(this.health = make("span", "pill"));
    this.chart = new Chart(64, 18); this.cells.rate.append(this.rate = make("span"), " ", this.chart.element);
  }
  update(server) {
    say(this.sub, server.address.includes(":") ? `[${server.address}]:${server.port}` : `${server.address}:${server.port}`);
    if (server.admin === "enabled") pill(this.health, server.health); else pill(this.health, server.admin === "drain" ? "drain" : "disabled", `${server.admin}, ${server.health}`);
    this.view.since(this.cells.since, server.since);
    say(this.cells.weight, server.weight === server.configured_weight ? String(server.weight) : `${server.weight} of ${server.configured_weight}`);
    const open = server.connections || {};
    say(this.cells.active, short(open.active || 0)); say(this.cells.closing, short(open.inactive || 0));
    const rate = this.chart.count((server.counters || {}).connections || 0, this.view.now);
    if (rate !== null) say(this.rate, short(rate));
    this.chart.draw();
    const checks = Object.entries(server.checks || {}), slowest = Math.max(...checks.map(([, c]) => c.latency_ms || 0));
    say(this.cells.check, checks.length ? `${slowest.toFixed(slowest < 10 ? 1 : 0)} ms` : "");
    this.cells.check.title = checks.map(([name, c]) => `${name}: ${c.state}, ${c.reason}${c.detail ? ` (${c.detail})` : ""}`).join("\n");
    say(this.cells.why, server.reason || "");
    this.element.classList.toggle("trouble", server.health === "down");
    this.#offer(server);
  }
  #offer(server) {
    const wanted = !this.view.mayAct() ? "" : server.admin;
    if (this.offered === wanted) return;
    this.offered = wanted;
    const acts = {"": [], enabled: ["drain", "disable"], drain: ["enable", "disable"], disabled: ["enable"]}[wanted] || [];
    this.cells.acts.replaceChildren(...acts.map(action => this.#button(action)));
  }
  #button(action) {
    const word = action[0].toUpperCase() + action.slice(1), button = make("button", "", word); button.type = "button";
    const text = {drain: "It gets no new connections; those it has stay.", disable: "It leaves the table; its connections end.", enable: "It takes part again as soon as its checks say so."}[action];
    button.setAttribute("aria-label", `${word} ${this.name} in ${this.service}`);
    button.addEventListener("click", () => this.view.act({title: `${word} ${this.name} in ${this.service}`, text, button: word, path: "overrides", timed: action !== "enable", reasoned: true, body: {action, server: this.name, service: this.service}}));
    return button;
  }
}

function inside(status) {
  const rows = [];
  for (const [name, worker] of Object.entries(status.workers || {})) rows.push([`worker ${name}`, `${worker.state}${worker.restarts ? `, started again ${worker.restarts} times` : ""}`]);
  for (const [name, channel] of Object.entries(status.channels || {})) rows.push([`alerts by ${name}`, `${channel.delivered || 0} delivered, ${channel.waiting || 0} waiting, ${channel.failed || 0} lost${channel.error ? `; ${channel.error}` : ""}`]);
  for (const one of status.overrides || []) rows.push([`override`, `${one.server}${one.service ? "@" + one.service : ""}: ${one.admin || "weight " + one.weight}${one.until ? ` until ${clock(one.until)}` : ""}, by ${one.by}${one.reason ? `: ${one.reason}` : ""}`]);
  if (status.witness) {
    const targets = Object.values(status.witness.targets);
    const seen = targets.filter((target) => target.seen).length;
    rows.push(["witnesses", `${seen} of ${targets.length} seen, ${status.witness.need} needed`]);
  }
  if (status.sync) rows.push(["connection sync", `${status.sync.state}, ${status.sync.reason}`]);
  rows.push(["configuration", `${(status.config.sha256 || "").slice(0, 12)}, loaded ${clock(status.config.loaded)}`]);
  const list = byId("inside"), key = JSON.stringify(rows);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...rows.flatMap(([term, text]) => [make("dt", "", term), make("dd", "", text)]));
}
