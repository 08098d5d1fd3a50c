// Elements are made by name and text only (never from markup), so no word or token can become HTML.
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") for (const [event, handler] of Object.entries(value)) node.addEventListener(event, handler);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const byId = (id) => document.getElementById(id);

function show(id, ...children) {
  const section = byId(id);
  section.hidden = false;
  (byId(id + "-body") || section).append(...children);
}

const given = (value) => value !== undefined && value !== null;

function number(value, digits) {
  if (!given(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && !given(digits)) return value.toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumFractionDigits: digits ?? 3, minimumFractionDigits: digits ?? 0 });
}

const signed = (value, digits) => (value >= 0 ? "+" : "−") + number(Math.abs(value), digits);

function percent(value) {
  if (!given(value)) return "–";
  const p = 100 * value;
  return p === 0 ? "0 %" : p < 0.1 ? p.toPrecision(1) + " %" : (p < 10 ? Math.round(10 * p) / 10 : Math.round(p)) + " %";
}

// A token's nodes, coloured by its activation over the strongest one in view; the space before a word stays plain.
function coloured(token, activation, strongest) {
  if (!(activation > 0)) return [document.createTextNode(token)];
  const word = token.trimStart();
  const share = Math.max(0.08, Math.min(1, activation / strongest));
  const span = el("span", { class: "tok", style: "--a:" + share.toFixed(2), title: "activation " + number(activation, 1) }, word);
  return word === token ? [span] : [document.createTextNode(token.slice(0, token.length - word.length)), span];
}

// A context's runs: a string is text where the feature is silent, a number followed by a string is an active token.
function contextText(runs, strongest) {
  const nodes = [];
  for (let i = 0; i < runs.length; i++) {
    if (typeof runs[i] === "number") nodes.push(...coloured(oneLine(runs[i + 1]), runs[i++], strongest));
    else nodes.push(document.createTextNode(oneLine(runs[i])));
  }
  return nodes;
}

const oneLine = (text) => text.replace(/\s+/g, " ");

function choice(legend, name, options, chosen, onChange) {
  const labels = options.map(({ value, label }) =>
    el("label", {},
      el("input", { type: "radio", name, value, checked: value === chosen, on: { change: () => onChange(value) } }),
      el("span", {}, label)));
  return el("fieldset", { class: "chips" }, el("legend", {}, legend), ...labels);
}
