const MEANINGS = {
  model: "the language model",
  model_sha256: "SHA-256 of its file",
  layer: "the block (counted from 0) whose output was read and steered",
  tokens: "tokens whose hidden states were kept",
  documents: "documents they came from",
  harvest_tokens_per_s: "tokens read a second",
  d_model: "numbers in one hidden state",
  n_features: "features in the dictionary",
  k: "features allowed to be active on a token",
  steps: "training steps",
  train_rows_per_s: "hidden states learnt from a second",
  fvu: "variance not explained, on documents not trained on; lower is better",
  l0: "features active on a token, mean, on the same documents",
  dead_fraction: "share of features that never fired on them",
  vocabulary: "words that could explain a feature",
  lift_median: "how much more often a feature’s words stand near its strongest activations than anywhere; median over features, on the text they come from",
  lift_random_words: "the same for words drawn by chance",
  word: "the word that was asked for",
  features: "the features chosen for it",
  words: "what the effect is measured on: the word, and of the features’ other words those nearest to what they write",
  strength_relative: "how strongly the features were held up, in shares of a mean hidden state’s length",
  effect_nats: "mean gain in log-probability of those words at each measured position",
  effect_random_features_nats: "the same words’ gain when random features are held up instead, at the same KL",
  effect_word_vector_nats: "their gain when the word’s own mean hidden state is added, with no features, at the same KL",
  kl: "how far the model’s whole prediction moved a token (KL divergence from the plain model, nats)",
  kl_budget: "the most KL that the tuning allowed",
  word_vector_strength_relative: "the strength at which it has that KL",
  random_features: "the first of the sets of random features",
  random_features_strength_relative: "the strength at which that set has that KL",
  word_row: "the word’s row in the vocabulary’s file",
  held_out_tokens: "tokens of the documents not trained on",
  plain_tokens_per_s: "tokens written a second, plain",
  steered_tokens_per_s: "tokens written a second, steered",
  nll_plain: "mean negative log-likelihood of unseen text, plain model (nats a token)",
  nll_steered: "the same while steered",
  steer_share_of_token_time: "share of a generated token’s time that the steering takes",
};

function figureValue(key, value) {
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "number" && /share|fraction/.test(key)) return percent(value);
  if (typeof value === "number" && /nats$/.test(key)) return signed(value, 3);
  if (key === "model_sha256") return el("code", {}, value);
  return typeof value === "number" ? number(value, Number.isInteger(value) ? undefined : Math.abs(value) >= 100 ? 0 : 3) : String(value);
}

function figures(data) {
  const s = data.summary;
  if (!s) return;
  const rows = [];
  const row = (key, value, meaning) => rows.push(el("tr", { "data-key": key },
    el("td", {}, el("code", {}, key)), el("td", { class: "number" }, figureValue(key, value)), el("td", { class: "meaning" }, meaning)));
  for (const [key, value] of Object.entries(s)) {
    if (key === "seconds") for (const [step, t] of Object.entries(value)) row("seconds." + step, t, "wall time of this step");
    else if (value !== null && !(typeof value === "object" && !Array.isArray(value)) && !(Array.isArray(value) && typeof value[0] === "object")) {
      row(key, value, MEANINGS[key] || "");
    }
  }
  show("figures", el("p", { class: "say" }, "All were computed in the run that wrote this page, and stand in its summary.json."),
    el("table", { class: "figures" }, el("thead", {}, el("tr", {}, ...["figure", "value", "meaning"].map((h) => el("th", { scope: "col" }, h)))), el("tbody", {}, ...rows)));
}

function notes(data) {
  const s = data.summary;
  if (!s || !given(s.effect_nats)) return;
  const item = (...parts) => el("li", {}, ...parts);
  const vector = s.effect_word_vector_nats, random = s.effect_random_features_nats;
  show("notes", el("ul", { class: "plain" },
    given(vector) ? item(`A plain vector does ${vector > s.effect_nats ? "more" : vector > 0.8 * s.effect_nats ? "nearly as much" : "less"} here: adding the word’s mean hidden state, with no features at all, gave ${signed(vector, 2)} nats at the same KL, the features ${signed(s.effect_nats, 2)}. What features add is knowing which direction it is, taking it out, and acting only where it is read.`) : null,
    given(random) ? item(`As many random features at the same KL gave ${signed(random, 2)} nats on the same words${random < 0.5 * s.effect_nats ? ", so strength alone is not what works" : ": much of the effect is strength alone"}.`) : null,
    item("Taking features out is weaker than holding them up: where the prompt itself names the word, other layers still know it."),
    item("The effect is a mean over the features’ own words. It says that the model expects them more, not that what it writes is good: read the text."),
    item(`The words were chosen from ${number(s.vocabulary)} that are frequent in one corpus. A feature about something else gets the nearest of them.`),
    item(`This is a small model (${number(s.d_model)} numbers a hidden state) and ${number(s.tokens)} tokens; larger ones have finer features.`)));
}
