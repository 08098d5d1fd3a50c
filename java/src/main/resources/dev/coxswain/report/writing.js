const KINDS = {
  plain: { label: "Plain", about: "the model as it is" },
  calibrate: { label: "Held up", about: "calibrate: the word’s features held at a set strength" },
  amplify: { label: "Amplified", about: "amplify: the features made stronger where they fire" },
  remove: { label: "Taken out", about: "removal: the features subtracted where they fire" },
  word_vector: { label: "Plain word vector", about: "yardstick: no features, the word’s mean hidden state added" },
  random_features: { label: "Random features", about: "yardstick: features picked by chance, same damage" },
};

function headline(data) {
  const s = data.summary;
  if (!s || !given(s.word)) {
    byId("lede").textContent = `What ${number(data.sae.n_features)} features of a sparse autoencoder stand for, each with the words that explain it.`;
    return;
  }
  document.title = `“${s.word}”: a Coxswain report`;
  byId("headline").replaceChildren("Turning up ", el("em", { class: "word" }, `“${s.word}”`), " inside a language model");
  const features = (s.features || []).length;
  const many = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"][features] || number(features);
  byId("lede").textContent =
    `While ${s.model} read ${number(s.tokens)} tokens, its hidden states became ${number(s.n_features)} features and the features became words. ` +
    `Then ${features === 1 ? "the one feature" : `the ${many} features`} that say “${s.word}” ${features === 1 ? "was" : "were"} held up inside the model while it wrote, and this is what changed.`;
}

function writing(data) {
  const generations = data.generations;
  if (!generations || generations.length === 0) return;
  const prompts = [...new Set(generations.map((g) => g.prompt))];
  const kinds = Object.keys(KINDS).filter((kind) => kind !== "plain" && generations.some((g) => g.kind === kind));
  const strongest = Math.max(1e-6, ...generations.flatMap((g) => g.activations || []));
  const state = { prompt: prompts[0], kind: kinds.includes("calibrate") ? "calibrate" : kinds[0] };
  const stage = el("div", { "aria-live": "polite" });
  const draw = () => {
    const of = (kind) => generations.find((g) => g.prompt === state.prompt && g.kind === kind);
    stage.replaceChildren(el("p", { class: "prompt" }, "“" + state.prompt + "”"),
      el("div", { class: "pair" }, textCard(of("plain"), "plain", strongest), textCard(of(state.kind), state.kind, strongest)));
  };
  const set = (key) => (value) => { state[key] = value; draw(); };
  const controls = [];
  if (prompts.length > 1) controls.push(choice("Another prompt", "prompt", prompts.map((p, i) => ({ value: p, label: promptLabel(p, i) })), state.prompt, set("prompt")));
  if (kinds.length > 1) controls.push(choice("Steered another way", "kind", kinds.map((k) => ({ value: k, label: KINDS[k].label })), state.kind, set("kind")));
  draw();
  show("writing", stage, el("p", { class: "legend" },
    el("span", {}, "How strongly the word’s features are active on each token, as the plain model reads the text:"),
    el("span", {}, "0"), el("span", { class: "ramp", "aria-hidden": "true" }), el("span", {}, number(strongest, 1))),
    el("div", { class: "controls" }, ...controls));
}

const promptLabel = (prompt, i) => (prompt.length > 34 ? prompt.slice(0, 32).trimEnd() + "…" : prompt || `Prompt ${i + 1}`);

function textCard(generation, kind, strongest) {
  const text = el("p", { class: "text" });
  if (!generation) text.append("No text was made for this choice.");
  else text.append(...generation.tokens.flatMap((token, i) => coloured(i === 0 ? token.trimStart() : token, generation.activations[i], strongest)));
  if (generation && generation.finish === "length") text.append(" …");
  return el("article", { class: "card" },
    el("div", { class: "label" }, el("strong", {}, kind === "plain" ? "Plain" : "Steered"), el("span", {}, KINDS[kind].about)), text);
}

function strip(data) {
  const s = data.summary;
  if (!s || !given(s.effect_nats)) return;
  const item = (value, text) => el("div", {}, el("dt", {}, value), el("dd", {}, text));
  show("strip", el("dl", { class: "strip" },
    item("×" + number(Math.exp(s.effect_nats), 1), `as likely became the words of these features (${signed(s.effect_nats, 2)} nats)`),
    item(number(s.kl, 2), "nats a token: how far everything the model expects has moved (KL)"),
    item("×" + number(s.lift_median, 1), `more often than chance a feature’s words stand where it fires (random words ×${number(s.lift_random_words, 1)})`),
    item(percent(1 - s.fvu), `of the hidden states’ variance is in ${number(s.l0, 0)} active features a token, on unseen text`)));
}

function tuning(data) {
  const s = data.summary;
  if (!s || !s.tuning || s.tuning.length === 0) return;
  const table = el("table", {},
    el("thead", {}, el("tr", {}, ...["what was added", "relative strength", "effect, nats", "KL, nats", "NLL of unseen text"].map((h) => el("th", { scope: "col" }, h)))),
    el("tbody", {}, ...s.tuning.map((p) => el("tr", {},
      el("td", {}, (METHODS[p.method] || { name: p.method }).name), el("td", { class: "number" }, number(p.strength_relative)),
      el("td", { class: "number" }, signed(p.effect_nats, 2)), el("td", { class: "number" }, number(p.kl, 3)), el("td", { class: "number" }, number(p.nll, 3))))));
  show("tuning", el("p", { class: "say" },
    `Every strength moves the words (up) and everything else (right). The strongest setting within the budget was kept: ` +
    `relative strength ${number(s.strength_relative)}, ringed. The plain word vector uses no features at all and is the honest yardstick; random features show what strength alone does.`),
    tuningChart(s.tuning, s.kl_budget, s.strength_relative), tuningLegend(s.tuning),
    el("details", {}, el("summary", {}, "The numbers"), el("div", { class: "scroll" }, table)));
}
