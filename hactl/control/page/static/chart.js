// Small charts: the last minutes of one rate. Owns the samples it is given, and draws them as an SVG path.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = 60;
// The kernel sums its counters up every 2 s: a rate over less than two of these steps would jump between nothing and double.
const OVER = 3.9;

export class Chart {
  constructor(width = 96, height = 24) {
    this.width = width; this.height = height;
    this.samples = []; this.past = [];
    this.element = document.createElementNS(SVG, "svg");
    this.element.setAttribute("class", "chart");
    this.element.setAttribute("width", width); this.element.setAttribute("height", height);
    this.element.setAttribute("aria-hidden", "true");
    this.area = this.#path("area"); this.line = this.#path("line");
  }

  // Takes a counter that only rises, at a time in seconds; gives the rate of the last seconds, or null.
  count(counter, at) {
    const past = this.past;
    if (past.length && at <= past.at(-1).at) return null;
    if (past.length && counter < past.at(-1).counter) past.length = 0; // begun anew
    past.push({counter, at});
    while (past.length > 2 && at - past[1].at >= OVER) past.shift();
    if (at - past[0].at < OVER / 2) return null;
    const rate = (counter - past[0].counter) / (at - past[0].at);
    this.samples.push(rate);
    if (this.samples.length > KEPT) this.samples.shift();
    return rate;
  }

  draw() {
    if (this.samples.length < 2) return;
    const most = Math.max(1, ...this.samples), step = this.width / (KEPT - 1), from = this.width - (this.samples.length - 1) * step;
    const points = this.samples.map((rate, i) => `${(from + i * step).toFixed(1)},${(this.height - 2 - rate / most * (this.height - 4)).toFixed(1)}`);
    this.line.setAttribute("d", "M" + points.join("L"));
    this.area.setAttribute("d", `M${from.toFixed(1)},${this.height}L${points.join("L")}L${this.width},${this.height}Z`);
  }

  #path(name) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("class", name);
    this.element.append(path);
    return path;
  }
}

export function short(number) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (number >= size) return (number / size).toFixed(number < 10 * size ? 1 : 0) + " " + unit;
  return number < 10 && number % 1 ? number.toFixed(1) : String(Math.round(number));
}
