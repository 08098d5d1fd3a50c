const PAGE = 12;

function featureRow(data, f, terms, shown) {
  const F = data.features;
  const contexts = F.contexts ? F.contexts[f] || [] : [];
  const strongest = F.peak ? F.peak[f] : 1;
  const list = el("ul", { class: "contexts" }, ...contexts.slice(0, shown).map((runs) => el("li", {}, ...contextText(runs, strongest))));
  const more = contexts.length > shown ? el("button", { class: "more", type: "button", "aria-expanded": "false", on: { click: () => {
    list.append(...contexts.slice(shown).map((runs) => el("li", {}, ...contextText(runs, strongest))));
    more.remove();
  } } }, `${contexts.length - shown} more contexts`) : null;
  const words = F.words[f].map((word, i) => el("li", { class: i === 0 ? "first" : false }, terms.includes(word.toLowerCase()) ? el("mark", {}, word) : word));
  const fires = F.density && given(F.density[f]) ? `fires on ${percent(F.density[f])}` : "";
  return el("div", { class: "feature" },
    el("div", {}, el("h3", {}, `Feature ${f}`), el("p", { class: "fires" }, fires), el("ul", { class: "words", "aria-label": "words" }, ...words)),
    el("div", {}, contexts.length ? list : el("p", { class: "note" }, "No contexts."), more));
}

function chosenFeatures(data) {
  const s = data.summary;
  if (!s || !s.features || s.features.length === 0) return;
  const terms = [String(s.word).toLowerCase()];
  const rows = s.features.filter((f) => data.features.words[f]).map((f) => el("li", {}, featureRow(data, f, terms, 3)));
  show("chosen", el("p", { class: "say" },
    `Each was found by its words and is shown where it fires most strongly in real text; colour is its activation. ` +
    `The words measured below and above: ${(s.words || []).join(", ")}.`), el("ul", { class: "list" }, ...rows));
}

// Best first: the word itself, high among a feature's words; then words that begin with the query; then any that contain it.
function search(data, query) {
  const q = query.trim().toLowerCase();
  const all = data.features.words;
  if (q === "") return all.map((_, f) => f);
  if (/^#?\d+$/.test(q)) {
    const f = Number(q.replace("#", ""));
    return all[f] ? [f] : [];
  }
  const found = [];
  for (let f = 0; f < all.length; f++) {
    let best = Infinity;
    for (let i = 0; i < all[f].length; i++) {
      const word = all[f][i].toLowerCase();
      const rank = word === q ? i : word.startsWith(q) ? 100 + i : word.includes(q) ? 200 + i : Infinity;
      if (rank < best) best = rank;
    }
    if (best < Infinity) found.push([best, f]);
  }
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, f]) => f);
}

function featureBrowser(data) {
  const count = data.features.words.length;
  const state = { found: [], page: 0, query: "" };
  const output = el("output", { for: "query" });
  const list = el("ul", { class: "list" });
  const previous = el("button", { type: "button", on: { click: () => turn(-1) } }, "Previous");
  const next = el("button", { type: "button", on: { click: () => turn(1) } }, "Next");
  const where = el("span", {});
  const input = el("input", { id: "query", type: "search", autocomplete: "off", spellcheck: "false", placeholder: "a word, or a feature’s number" });
  const draw = () => {
    const from = state.page * PAGE, shown = state.found.slice(from, from + PAGE);
    list.replaceChildren(...shown.map((f) => el("li", {}, featureRow(data, f, [state.query], 1))));
    output.textContent = state.query === "" ? `${number(count)} features` : `${number(state.found.length)} of ${number(count)} features`;
    where.textContent = state.found.length === 0 ? "Nothing found." : `${number(from + 1)} to ${number(from + shown.length)} of ${number(state.found.length)}`;
    previous.disabled = state.page === 0;
    next.disabled = from + PAGE >= state.found.length;
  };
  const turn = (by) => { state.page += by; draw(); byId("features").scrollIntoView(); };
  const run = () => { state.query = input.value.trim().toLowerCase(); state.found = search(data, input.value); state.page = 0; draw(); };
  input.addEventListener("input", run);
  run();
  show("features", el("p", { class: "say" },
    "A feature is a direction in the model’s hidden state that is active on few tokens. Its words come from mutual information between words and features; its contexts are the tokens of the corpus where it fires most."),
    el("div", { class: "search" }, el("label", { for: "query" }, "Find a word"), input, output), list,
    el("div", { class: "pager" }, previous, next, where));
}

function making(data) {
  const parts = [];
  if (data.training && data.training.length > 1) {
    parts.push(el("figure", { class: "card", style: "margin:0" }, el("h3", {}, "Training"), trainingChart(data.training)));
  }
  if (data.histogram) {
    const silent = data.histogram.never > 0 ? ` ${number(data.histogram.never)} never fired.` : " None is dead.";
    parts.push(el("figure", { class: "card", style: "margin:0" }, el("h3", {}, "How often each feature fires"), densityChart(data.histogram), el("p", { class: "note" }, silent)));
  }
  if (parts.length) show("making", ...parts);
}
