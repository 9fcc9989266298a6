"use strict";
// Asks the server that the page came from, and draws what it answers. Text is set as text, never as HTML.
const $ = (id) => document.getElementById(id);
let models = [];
let picture = null; // a File or Blob

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function chosen() {
  return models.find((model) => model.name === $("model").value);
}

function describe() {
  const model = chosen();
  $("about").textContent = `reads ${model.reads.join(" and ")}; ${model.labels.length} labels; rule ${model.decoding}`;
  $("drop").classList.toggle("off", !model.reads.includes("image"));
  $("text").parentElement.classList.toggle("off", !model.reads.includes("text"));
  $("labels").replaceChildren();
  $("explained").replaceChildren();
  $("problem").textContent = "";
}

function show(blob) {
  picture = blob;
  if ($("picture").src) URL.revokeObjectURL($("picture").src);
  $("picture").hidden = !blob;
  $("hint").hidden = !!blob;
  if (blob) $("picture").src = URL.createObjectURL(blob);
  else $("picture").removeAttribute("src");
}

function body() {
  const form = new FormData();
  const model = chosen();
  form.append("model", model.name);
  if (picture && model.reads.includes("image")) form.append("images", picture, picture.name || "pasted.png");
  if ($("text").value.trim() && model.reads.includes("text")) form.append("texts", $("text").value);
  return form;
}

async function ask(path) {
  $("problem").textContent = "";
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try {
    const response = await fetch(path, { method: "POST", body: body() });
    const answer = await response.json();
    const problem = answer.detail || (answer.predictions && answer.predictions[0].problem);
    if (problem) throw new Error(problem);
    return answer;
  } catch (error) {
    $("problem").textContent = error.message;
    return null;
  } finally {
    for (const button of document.querySelectorAll("button")) button.disabled = false;
  }
}

function draw(prediction) {
  const model = chosen();
  const given = new Set(prediction.labels);
  const ranked = Object.entries(prediction.probabilities).sort((a, b) => b[1] - a[1]);
  $("labels").replaceChildren(...ranked.map(([name, probability]) => {
    const bar = element("div", given.has(name) ? "bar given" : "bar");
    const track = element("div", "track");
    const fill = element("div", "fill");
    fill.style.width = `${100 * probability}%`;
    track.append(fill);
    if (model.thresholds) {
      const mark = element("div", "threshold");
      const threshold = model.thresholds[model.labels.indexOf(name)];
      mark.style.left = `${100 * threshold}%`;
      mark.title = `threshold ${threshold}`;
      track.append(mark);
    }
    bar.append(element("span", "name", name), track, element("span", "value", probability.toFixed(3)));
    return bar;
  }));
}

function explain(answer) {
  const figures = answer.labels.map((label) => {
    const figure = element("figure");
    if (label.heat) {
      const image = element("img");
      image.alt = `where the network looks for ${label.name}`;
      image.src = `data:image/png;base64,${label.heat}`;
      figure.append(image);
    }
    figure.append(element("figcaption", "", `${label.name} ${label.probability.toFixed(2)}`));
    if (label.words) {
      const words = element("div", "words");
      for (const word of label.words) {
        const span = element("span", "", word.text);
        const colour = word.weight > 0 ? "42, 111, 151" : "188, 71, 73";
        span.style.background = `rgba(${colour}, ${Math.abs(word.weight) * 0.7})`;
        span.title = word.weight.toFixed(2);
        words.append(span, " ");
      }
      figure.append(words);
    }
    return figure;
  });
  if (answer.note) figures.unshift(element("p", "note", answer.note));
  $("explained").replaceChildren(...figures);
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await ask("/predict");
  if (answer) draw(answer.predictions[0]);
});
$("why").addEventListener("click", async () => {
  const answer = await ask("/explain");
  if (answer) explain(answer);
});
$("clear").addEventListener("click", () => {
  show(null);
  $("file").value = "";
  $("text").value = "";
  describe();
});
$("model").addEventListener("change", describe);
$("file").addEventListener("change", () => show($("file").files[0] || null));
for (const name of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) show(event.dataTransfer.files[0]);
  });
}
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
  if (file) show(file);
});

(async () => {
  models = await (await fetch("/models")).json();
  $("model").replaceChildren(...models.map((model) => {
    const option = element("option", "", model.name);
    option.value = model.name;
    return option;
  }));
  describe();
})();
