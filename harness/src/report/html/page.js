"use strict";
// Filters, keys, and the ladder of a case that is opened. Everything from a device reaches the page
// as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const make = (name, attributes = {}, text = null, svg = false) => {
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
};

const cases = all(".case").map((item) => ({
  item,
  text: item.querySelector("summary").textContent.toLowerCase() + " " +
    one(".requirement", item).textContent.toLowerCase() + " " + item.dataset.statements.toLowerCase(),
  statements: item.dataset.statements.split(" "),
}));
let chosenStatement = "";

const filter = () => {
  const words = one("#text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = ["verdict", "level", "protocol", "dut"].map((key) => [key, one("#" + key).value]);
  let shown = 0;
  for (const entry of cases) {
    const fits = words.every((word) => entry.text.includes(word)) &&
      wanted.every(([key, value]) => value === "" || entry.item.dataset[key] === value) &&
      (chosenStatement === "" || entry.statements.includes(chosenStatement));
    entry.item.hidden = !fits;
    shown += fits;
  }
  one("#count").value = `${shown} of ${cases.length} cases`;
  one("#none").hidden = shown > 0;
};

const choose = (square) => {
  const again = square === null || square.getAttribute("aria-pressed") === "true";
  for (const other of all(".square[aria-pressed]")) other.removeAttribute("aria-pressed");
  chosenStatement = again ? "" : square.dataset.statement;
  if (!again) square.setAttribute("aria-pressed", "true");
  one("#statement").textContent = again ? "" : square.title;
  filter();
};

for (const map of all(".map")) {
  const squares = all("button", map);
  if (squares.length > 0) squares[0].tabIndex = 0;
  map.addEventListener("click", (event) => {
    if (event.target.matches("button")) choose(event.target);
  });
  map.addEventListener("focusin", (event) => {
    for (const square of squares) square.tabIndex = square === event.target ? 0 : -1;
    one("#statement").textContent = event.target.title;
  });
  map.addEventListener("keydown", (event) => {
    const at = squares.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perLine(squares), ArrowUp: -perLine(squares) }[event.key];
    if (step === undefined || at < 0) return;
    event.preventDefault();
    squares[Math.max(0, Math.min(squares.length - 1, at + step))].focus();
  });
}
const perLine = (squares) => {
  const top = squares[0].offsetTop;
  const next = squares.findIndex((square) => square.offsetTop !== top);
  return next < 0 ? squares.length : next;
};

const form = one("#filters");
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(() => choose(null)));

// The ladder.
const ROW = { to: 36, from: 36, note: 20, console: 20, "frame-to": 30, "frame-from": 30 };
const LETTER = 7.3;
const PAUSE_US = 200000;
const time = (us) => us < 1e6 ? (us / 1e3).toFixed(2) + " ms" : (us / 1e6).toFixed(3) + " s";
const short = (text, width) => {
  const letters = Math.max(4, Math.floor(width / LETTER));
  return text.length > letters ? text.slice(0, letters - 1) + "…" : text;
};

const draw = (place) => {
  const holder = one(`.ladder[data-place="${place}"]`);
  const data = JSON.parse(one("#data-" + place).textContent);
  holder.replaceChildren();
  if (data.missing !== undefined) {
    holder.append(make("p", {}, "No ladder: " + data.missing));
    return;
  }
  const hasFrames = data.rows.some((row) => row.k.startsWith("frame"));
  const withFrames = hasFrames && holder.dataset.frames !== "no";
  if (hasFrames) {
    const label = make("label", { class: "choices" });
    const box = make("input", { type: "checkbox" });
    box.checked = withFrames;
    box.addEventListener("change", () => {
      holder.dataset.frames = box.checked ? "yes" : "no";
      draw(place);
      one(".choices input", holder).focus();
    });
    label.append(box, " frames on the wire");
    holder.append(label);
  }
  const rows = data.rows.filter((row) => withFrames || !row.k.startsWith("frame"));
  const peers = [...new Set(rows.filter((row) => row.k === "to" || row.k === "from").map((row) => row.p))];
  const width = Math.max(300, holder.clientWidth);
  const device = width < 560 ? 74 : 96;
  const lane = (peer) => {
    const place = Math.max(0, peers.indexOf(peer));
    const apart = Math.min(120, (width - device) / 3 / Math.max(1, peers.length));
    return width - 44 - (peers.length - 1 - place) * apart;
  };
  const wire = lane(peers[0]);
  const svg = make("svg", { role: "group", "aria-label": "Messages between the device and its peers, time downwards" }, null, true);
  const add = (parent, name, attributes, text = null) => {
    const node = make(name, attributes, text, true);
    parent.append(node);
    return node;
  };
  let y = 40;
  let before = 0;
  const placed = rows.map((row) => {
    const pause = row.t - before > PAUSE_US;
    if (pause) y += 26;
    const at = y;
    y += ROW[row.k];
    const gap = row.t - before;
    before = row.t;
    return { row, at, pause, gap };
  });
  const height = y + 12;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height);
  for (const [name, x] of [["device", device], ...(peers.length > 0 ? peers : ["peer"]).map((peer) => [peer, lane(peer)])]) {
    add(svg, "line", { class: "life", x1: x, x2: x, y1: 28, y2: height - 6 });
    add(svg, "text", { class: "head", x, y: 20, "text-anchor": "middle" }, short(name, 90));
  }
  const all = [];
  for (const { row, at, pause, gap } of placed) {
    if (pause) {
      add(svg, "line", { class: "pause", x1: device, x2: wire, y1: at - 13, y2: at - 13 });
      add(svg, "text", { class: "time", x: (device + wire) / 2, y: at - 9, "text-anchor": "middle" }, "⋮ " + time(gap) + " ⋮");
    }
    const frame = row.k.startsWith("frame");
    const kind = frame ? "frame" : row.k === "to" || row.k === "from" ? "message" : row.k;
    const mark = row.m === undefined ? "" : row.m;
    const lost = /dropped|lost|ignored/.test(mark);
    const group = add(svg, "g", { class: `row ${kind}${mark ? " marked" : ""}${lost ? " lost" : ""}`, tabindex: all.length === 0 ? 0 : -1, role: "button" });
    group.setAttribute("aria-label", `${time(row.t)} ${row.k.replace("-", " ")} ${row.p || ""} ${row.s} ${mark}`);
    add(group, "rect", { class: "hit", x: 1, y: at, width: width - 2, height: ROW[row.k], rx: 3 });
    add(group, "text", { class: "time", x: device - 10, y: at + (kind === "message" ? 27 : 14), "text-anchor": "end" },
      width < 560 ? time(row.t).replace(" ", "") : time(row.t));
    if (kind === "message" || frame) {
      const to = row.k.endsWith("to");
      const far = frame ? wire : lane(row.p);
      const line = at + (frame ? 21 : 27);
      let [from, end] = to ? [far, device] : [device, far];
      if (lost) end = (from + end) / 2;
      const sign = Math.sign(end - from);
      add(group, "line", { class: "arrow", x1: from, x2: end - sign * 6, y1: line, y2: line });
      if (lost) add(group, "path", { class: "tip", d: `M ${end - 6} ${line - 6} l 12 12 m 0 -12 l -12 12` });
      else add(group, "path", { class: "tip", d: `M ${end} ${line} l ${-sign * 9} -4.5 v 9 z` });
      const room = far - device - 16;
      add(group, "text", { x: device + 8, y: line - 6 }, short(row.s, mark ? room * .6 : room));
      if (mark) add(group, "text", { class: "mark", x: far - 8, y: line - 6, "text-anchor": "end" }, short(mark, room * .38));
    } else {
      if (kind === "console") add(group, "rect", { x: device - 3, y: at + 7, width: 6, height: 6 });
      add(group, "text", { x: device + 8, y: at + 14 }, short(row.s, wire - device - 16));
    }
    group.addEventListener("click", () => show(holder, group, row));
    all.push(group);
  }
  svg.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -at, End: all.length - 1 - at }[event.key];
    if (step !== undefined) {
      const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
      all[at].setAttribute("tabindex", -1);
      next.setAttribute("tabindex", 0);
      next.focus();
      if (one(".detail", holder) !== null) next.dispatchEvent(new Event("click"));
    } else if (event.key === "Enter" || event.key === " ") {
      all[at].dispatchEvent(new Event("click"));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  holder.append(svg);
  holder.dataset.width = width;
};

const bytesOf = (row) => (row.b || "").match(/../g) || [];

const show = (holder, group, row) => {
  for (const other of all(".chosen", holder)) other.classList.remove("chosen");
  group.classList.add("chosen");
  one(".detail", holder)?.remove();
  const panel = make("div", { class: "detail", role: "region", "aria-label": "The chosen line", "aria-live": "polite" });
  const way = { to: `${row.p} → device`, from: `device → ${row.p}`, note: "note", console: "console", "frame-to": "frame to the device", "frame-from": "frame from the device" }[row.k];
  panel.append(make("h4", {}, `${time(row.t)} · ${way} · ${row.s}`));
  const close = make("button", { class: "close", type: "button", "aria-label": "Close" }, "✕");
  close.addEventListener("click", () => { panel.remove(); group.classList.remove("chosen"); group.focus(); });
  panel.append(close);
  if (row.m !== undefined) panel.append(make("p", {}, row.m));
  const bytes = bytesOf(row);
  if (row.f !== undefined) {
    const table = make("table");
    const head = make("tr");
    for (const name of ["bytes", "field", "value", "in hexadecimal"]) head.append(make("th", { scope: "col" }, name));
    table.append(head);
    for (const [from, to, name, value] of row.f) {
      const line = make("tr");
      const shown = bytes.slice(from, Math.min(to, from + 16)).join(" ") + (to - from > 16 ? " …" : "");
      line.append(make("td", {}, to - from > 1 ? `${from}–${to - 1}` : `${from}`), make("td", {}, name), make("td", {}, value), make("td", { class: "bytes" }, shown));
      table.append(line);
    }
    panel.append(table);
  }
  if (bytes.length > 0) {
    const lines = [];
    for (let at = 0; at < bytes.length; at += 16) {
      const part = bytes.slice(at, at + 16);
      const letters = part.map((byte) => { const code = parseInt(byte, 16); return code > 31 && code < 127 ? String.fromCharCode(code) : "."; });
      lines.push(at.toString(16).padStart(4, "0") + "  " + part.join(" ").padEnd(48) + " " + letters.join(""));
    }
    if (row.n > bytes.length) lines.push(`… ${row.n - bytes.length} more bytes were not kept`);
    panel.append(make("pre", { class: "hex", tabindex: 0 }, lines.join("\n")));
  }
  holder.append(panel);
};

for (const entry of cases) {
  const details = one("details", entry.item);
  details.addEventListener("toggle", (event) => {
    const place = details.id.slice("case-".length);
    if (event.target === details && details.open && one(".ladder", details).childElementCount === 0) draw(place);
  });
}
let resized = 0;
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => {
    for (const details of all(".case > details[open]")) draw(details.id.slice("case-".length));
  }, 150);
});

// Keys.
const walk = (step, fits) => {
  const shown = cases.filter((entry) => !entry.item.hidden);
  let at = shown.findIndex((entry) => entry.item.contains(document.activeElement));
  if (at < 0) at = step > 0 ? -1 : shown.length;
  for (at += step; at >= 0 && at < shown.length; at += step) {
    if (fits(shown[at].item)) {
      const summary = one("summary", shown[at].item);
      summary.focus();
      summary.scrollIntoView({ block: "nearest" });
      return;
    }
  }
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const panel = one(".detail .close");
    if (panel !== null) panel.click();
    else document.activeElement.closest?.(".case details[open]")?.removeAttribute("open");
    return;
  }
  if (event.target.matches("input, select, textarea")) return;
  const action = {
    "/": () => one("#text").focus(),
    j: () => walk(1, () => true),
    k: () => walk(-1, () => true),
    n: () => walk(1, (item) => !["pass", "skipped"].includes(item.dataset.verdict)),
  }[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});

filter();
const fragment = location.hash.match(/^#case-\d+$/);
if (fragment !== null) one(fragment[0])?.setAttribute("open", "");
