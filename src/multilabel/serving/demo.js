"use strict";
// Asks the server that the page came from, and draws what it answers. Text is set as text, never as HTML.
const $ = (id) => document.getElementById(id);
let models = [];
let picture = null; // a File or Blob

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
  const place = new Map(model.labels.map((name, label) => [name, label]));
  const given = new Set(prediction.labels.map((name) => place.get(name)));
  const said = new Map(Object.entries(prediction.probabilities).map(([name, value]) => [place.get(name), value]));
  const marked = marks(model, said, given);
  const ranked = [...said].sort((a, b) => b[1] - a[1]);
  $("labels").replaceChildren(
    ...ranked.map(([label, value]) => bar(model.labels[label], value, given.has(label), marked.get(label))),
  );
}

function explain(answer) {
  $("explained").replaceChildren(...(answer.note ? [element("p", "note", answer.note)] : []), ...reasons(answer.labels, "png"));
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
