// Small charts: the last minutes of one rate. Owns the samples it is given, and draws them as an SVG path.

const SVG = "http://www.w3.org/2000/svg";
const KEPT = 60;

export class Chart {
  constructor(width = 96, height = 24) {
    this.width = width; this.height = height;
    this.samples = []; this.last = null;
    this.element = document.createElementNS(SVG, "svg");
    this.element.setAttribute("class", "chart");
    this.element.setAttribute("width", width); this.element.setAttribute("height", height);
    this.element.setAttribute("aria-hidden", "true");
    this.area = this.#path("area"); this.line = this.#path("line");
  }

  // Takes a counter that only rises, at a time in seconds; gives the rate since the one before, or null.
  count(counter, at) {
    const before = this.last;
    this.last = {counter, at};
    if (!before || at <= before.at) return null;
    const rate = counter >= before.counter ? (counter - before.counter) / (at - before.at) : 0;
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
