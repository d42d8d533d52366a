// What is wrong and who knows of it. The law: those that nobody knows of come first, and one word of an operator with a
// token is enough to be known.

import {Keyed, make, pill, say} from "./view.js";

const byId = id => document.getElementById(id);

export class Problems {
  constructor(view) {
    this.view = view;
    this.rows = new Keyed(byId("problems").tBodies[0], name => new Problem(view, name));
  }

  forget() { this.rows.clear(); }

  draw(status) {
    const entries = Object.entries(status.problems || {});
    byId("problems").closest("section").hidden = !entries.length;
    entries.sort(([, one], [, other]) => Boolean(one.acknowledged) - Boolean(other.acknowledged) || one.since.localeCompare(other.since));
    this.rows.update(entries);
    const more = (status.problem_counts || {open: entries.length}).open - entries.length;
    byId("problems-more").hidden = more <= 0;
    say(byId("problems-more"), `and ${more} more; \`hactl events\` shows them all`);
  }
}

class Problem {
  constructor(view, name) {
    this.view = view; this.name = name;
    this.element = make("tr");
    const cell = (className = "", label = "") => { const one = make("td", className); if (label) one.dataset.label = label; this.element.append(one); return one; };
    cell("name").append(name);
    cell().append(this.severity = make("span", "pill"));
    this.since = cell("number", "since"); this.known = cell("", "known"); this.why = cell("why"); this.acts = cell("acts");
  }
  update(problem) {
    pill(this.severity, problem.severity);
    this.view.since(this.since, problem.since);
    const known = problem.acknowledged;
    say(this.known, known ? `by ${known.by}${known.reason ? `: ${known.reason}` : ""}` : "nobody yet");
    say(this.why, problem.reason || "");
    const offered = this.view.mayAct() ? (known ? "undo" : "ack") : "";
    if (this.offered !== offered) { this.offered = offered; this.acts.replaceChildren(...offered ? [this.#button(problem, offered)] : []); }
  }
  #button(problem, offered) {
    const button = make("button", "", offered === "ack" ? "Acknowledge" : "Take back"); button.type = "button";
    const subject = offered === "ack" ? problem.subject : problem.acknowledged.target;
    button.addEventListener("click", () => this.view.act(offered === "ack"
      ? {title: `Acknowledge ${this.name}`, text: "Nobody is told of it again until it has ended or becomes worse.", button: "Acknowledge", path: "acks", body: {subjects: [subject]}, reasoned: true}
      : {title: `Take back what was said of ${subject}`, text: "It is told of again.", button: "Take back", path: "acks", body: {subjects: [subject], undo: true}}));
    return button;
  }
}
