const data = JSON.parse(byId("data").textContent);
headline(data);
writing(data);
strip(data);
tuning(data);
chosenFeatures(data);
featureBrowser(data);
making(data);
notes(data);
figures(data);
charts.forEach((draw) => draw());
const made = data.made || {};
byId("colophon").textContent = ["Written by Coxswain " + (made.version || "") + (made.command ? ` (${made.command})` : "") + ".",
  "One file; nothing in it is loaded from a network."].join(" ");
