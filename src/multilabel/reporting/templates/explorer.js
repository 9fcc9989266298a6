// Draws what stands in the JSON blocks of this page; nothing is fetched.
const $ = (id) => document.getElementById(id);
const AT_ONCE = 24; // records of a page
const CHIPS = 8; // labels on a card
const SIGNS = { right: "✓", missed: "−", wrong: "+" };
const WORDS = { right: "right", missed: "missed", wrong: "wrong", none: "" };
const ORDERS = {
  place: (a, b) => a.place - b.place,
  worst: (a, b) => a.f1 - b.f1 || a.place - b.place,
  likely: (a, b) => b.probability - a.probability || a.place - b.place,
  unlikely: (a, b) => a.probability - b.probability || a.place - b.place,
};
const score = (value) => (value === null ? "n/a" : value.toFixed(3));
const COLUMNS = [
  { key: "architecture", head: "architecture" },
  { key: "f1_samples", head: "samples-F1 (95 % interval)", show: withInterval },
  { key: "reads", head: "reads" },
  { key: "kind", head: "kind" },
  { key: "f1_macro", head: "macro-F1", show: score },
  { key: "map", head: "mAP", show: score },
  { key: "exact_match", head: "exact", show: score },
  { key: "valid_f1_samples", head: "valid samples-F1", show: score },
  { key: "size_mb", head: "MB stored", show: (value) => (value === null ? "n/a" : value.toFixed(1)) },
  { key: "train_seconds", head: "train s", show: (value) => (value === null ? "n/a" : value.toFixed(0)) },
];

let dataset; // the one that is shown
let sorted = { key: "f1_samples", down: true }; // the leaderboard
let found = []; // the records that pass the filters, in order
let page = 0;
let open = 0; // place in `found` of the record in the dialog

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => {
    const option = element("option", "", text);
    option.value = value;
    return option;
  }));
}

const same = (values) => values.map((value) => [value, value]);
const model = () => dataset.models[Number($("model").value)];

// The leaderboard

function withInterval(value, row) {
  const spread = row.f1_samples_sd === null ? "" : ` ± ${row.f1_samples_sd.toFixed(3)} of ${row.seeds} seeds`;
  return `${score(value)}${spread} (${score(row.f1_samples_ci_low)} to ${score(row.f1_samples_ci_high)})`;
}

function compare(a, b) {
  const [x, y] = [a[sorted.key], b[sorted.key]];
  if (x === null || y === null) return (x === null) - (y === null); // what is not known stands last either way
  const order = typeof x === "string" ? x.localeCompare(y) : x - y;
  return sorted.down ? -order : order;
}

function sortBy(column) {
  const numbers = column.show !== undefined;
  sorted = { key: column.key, down: sorted.key === column.key ? !sorted.down : numbers };
  drawLeaders();
}

function drawHeads() {
  $("heads").replaceChildren(...COLUMNS.map((column) => {
    const head = element("th");
    head.scope = "col";
    const button = element("button", "", column.head);
    button.addEventListener("click", () => sortBy(column));
    head.append(button);
    return head;
  }));
}

function drawLeaders() {
  COLUMNS.forEach((column, place) => {
    const way = column.key !== sorted.key ? "none" : sorted.down ? "descending" : "ascending";
    $("heads").children[place].setAttribute("aria-sort", way);
  });
  const wanted = $("find").value.toLowerCase();
  const rows = dataset.leaders
    .filter((row) => !$("reads").value || row.reads === $("reads").value)
    .filter((row) => !$("kind").value || row.kind === $("kind").value)
    .filter((row) => `${row.architecture} ${row.reads} ${row.kind}`.toLowerCase().includes(wanted));
  $("rows").replaceChildren(...rows.sort(compare).map((row) => {
    const line = element("tr");
    line.append(...COLUMNS.map((column) => cell(column, row)));
    return line;
  }));
}

function cell(column, row) {
  const made = element("td");
  if (column.key === "architecture") {
    const button = element("button", "", row.architecture);
    button.addEventListener("click", () => {
      $("model").value = dataset.models.findIndex((one) => one.name === row.architecture);
      search();
      $("said").scrollIntoView();
      $("model").focus({ preventScroll: true });
    });
    made.append(button);
  } else {
    const value = row[column.key];
    made.append(element(column.key === "f1_samples" ? "b" : "span", "", column.show ? column.show(value, row) : value));
  }
  return made;
}

// The records

// What a model says of the record at a place: label -> probability in falling order, and each label's outcome.
function said(one, place) {
  const flat = one.said[place];
  const probabilities = new Map();
  for (let i = 0; i < flat.length; i += 2) probabilities.set(flat[i], flat[i + 1] / 1000);
  const truth = new Set(dataset.truth[place]);
  const given = new Set(one.given[place]);
  const outcome = (label) =>
    truth.has(label) ? (given.has(label) ? "right" : "missed") : given.has(label) ? "wrong" : "none";
  const hits = [...given].filter((label) => truth.has(label)).length;
  const all = truth.size + given.size;
  const f1 = all ? (2 * hits) / all : 0;
  const record = hits === truth.size && hits === given.size ? "right" : hits ? "partly" : "wrong";
  return { place, probabilities, truth, given, outcome, f1, record };
}

function plays(one, role, label) {
  const labels = new Set([...one.truth, ...one.given].filter((own) => {
    const outcome = one.outcome(own);
    return {
      either: true, true: one.truth.has(own), given: one.given.has(own), missed: outcome === "missed",
      wrong: outcome === "wrong",
    }[role];
  }));
  return label === "" ? role === "either" || labels.size > 0 : labels.has(Number(label));
}

function probability(one, label) {
  if (label === "") return one.probabilities.values().next().value ?? 0;
  return one.probabilities.get(Number(label)) ?? 0;
}

function bound(id, otherwise) {
  const value = $(id).valueAsNumber;
  return Number.isNaN(value) ? otherwise : value;
}

function search() {
  const [label, role, outcome] = ["label", "role", "outcome"].map((id) => $(id).value);
  const [low, high] = [bound("low", 0), bound("high", 1)];
  const words = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  found = dataset.ids
    .map((_, place) => place)
    .filter((place) => words.every((word) => dataset.lower[place].includes(word)))
    .filter((place) => !$("explained").checked || model().explained[place])
    .map((place) => said(model(), place))
    .map((one) => ({ ...one, probability: probability(one, label) }))
    .filter((one) => plays(one, role, label) && (outcome === "any" || one.record === outcome))
    .filter((one) => one.probability >= low && one.probability <= high)
    .sort(ORDERS[$("order").value]);
  $("explained").disabled = !Object.keys(model().explained).length && !$("explained").checked;
  page = 0;
  drawRecords();
}

function drawRecords() {
  const [shown, total] = [dataset.ids.length.toLocaleString("en"), dataset.records.toLocaleString("en")];
  const drawn = dataset.ids.length < dataset.records ? `, drawn from the ${total} of the test split` : "";
  $("count").textContent = `${found.length.toLocaleString("en")} of ${shown} records${drawn}`;
  const pages = Math.max(1, Math.ceil(found.length / AT_ONCE));
  $("page").textContent = `page ${page + 1} of ${pages}`;
  $("before").disabled = page === 0;
  $("after").disabled = page === pages - 1;
  const first = page * AT_ONCE;
  $("list").replaceChildren(...found.slice(first, first + AT_ONCE).map((one, row) => card(one, first + row)));
}

function card(one, number) {
  const made = element("button", `card ${one.record}`);
  made.type = "button";
  if (dataset.thumbnails[one.place]) {
    const image = element("img");
    image.alt = "";
    image.dataset.place = one.place;
    seen.observe(image);
    made.append(image);
  }
  const about = element("span", "about");
  const chips = element("span", "chips");
  const labels = [...new Set([...one.truth, ...one.given])].sort((a, b) => a - b);
  for (const label of labels.slice(0, CHIPS)) {
    const outcome = one.outcome(label);
    chips.append(element("span", `chip ${outcome}`, `${SIGNS[outcome]} ${dataset.labels[label]}`));
  }
  if (labels.length > CHIPS) chips.append(element("span", "chip plain", `and ${labels.length - CHIPS} more`));
  if (!labels.length) chips.append(element("span", "chip plain", "no label"));
  if ($("label").value !== "" || !["place", "worst"].includes($("order").value)) {
    chips.append(element("span", "chip plain", one.probability.toFixed(3)));
  }
  if (model().explained[one.place]) chips.append(element("span", "chip plain", "explained"));
  about.append(heading(one.place), chips);
  made.append(about);
  made.addEventListener("click", () => {
    show(number);
    $("record").showModal();
  });
  return made;
}

// What stands over the chips of a record: its text, or where no record of the dataset has one, its id.
function heading(place) {
  if (!dataset.texts.some(Boolean)) return element("span", "text", dataset.ids[place]);
  const text = dataset.texts[place];
  return text ? element("span", "text", text) : element("span", "text note", "(no text)");
}

const source = (place) => `data:image/webp;base64,${dataset.thumbnails[place]}`;
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    entry.target.src = source(Number(entry.target.dataset.place));
    seen.unobserve(entry.target);
  }
}, { rootMargin: "300px" });

// One record

function show(number) {
  open = number;
  $("other").value = $("model").value;
  drawRecord();
}

function drawRecord() {
  const place = found[open].place;
  const other = dataset.models[Number($("other").value)];
  const one = said(other, place);
  $("back").disabled = open === 0;
  $("on").disabled = open === found.length - 1;
  $("id").textContent = dataset.ids[place];
  $("caption").textContent = dataset.texts[place];
  $("picture").hidden = !dataset.thumbnails[place];
  if (dataset.thumbnails[place]) $("picture").src = source(place);
  else $("picture").removeAttribute("src");
  const outcomes = { right: "right", partly: "partly right", wrong: "wrong" };
  $("summary").textContent = `${other.name}: ${outcomes[one.record]}, F1 ${one.f1.toFixed(3)}; rule ${other.rule}`;
  const marked = marks(other, one.probabilities, one.given);
  $("bars").replaceChildren(...[...one.probabilities].map(([label, value]) => {
    const outcome = one.outcome(label);
    const line = bar(dataset.labels[label], value, one.given.has(label), marked.get(label));
    line.classList.add(outcome);
    line.append(element("span", "what", `${SIGNS[outcome] || ""} ${WORDS[outcome]}`));
    return line;
  }));
  const rest = dataset.labels.length - one.probabilities.size;
  $("rest").textContent = rest ? `${rest} less probable labels, neither true nor predicted, are left out.` : "";
  const reasoned = other.explained[place] || [];
  $("why").hidden = !reasoned.length;
  $("reasons").replaceChildren(...reasons(reasoned, "webp"));
}

function step(by) {
  if (open + by < 0 || open + by >= found.length) return;
  open += by;
  drawRecord();
}

// A dataset

function read(number) {
  dataset = JSON.parse($(`dataset-${number}`).textContent);
  dataset.lower = dataset.ids.map((id, place) => `${id} ${dataset.texts[place]}`.toLowerCase());
  const own = (key) => [["", "any"], ...same([...new Set(dataset.leaders.map((row) => row[key]))].sort())];
  $("nothing").hidden = dataset.leaders.length > 0;
  $("results").hidden = !dataset.leaders.length;
  $("browse").hidden = !dataset.ids.length || !dataset.models.length;
  options($("reads"), own("reads"));
  options($("kind"), own("kind"));
  options($("label"), [["", "any"], ...dataset.labels.map((name, label) => [label, name])]);
  for (const id of ["model", "other"]) options($(id), dataset.models.map((one, place) => [place, one.name]));
  $("find").value = "";
  $("filters").reset();
  drawLeaders();
  if (!$("browse").hidden) search();
}

$("dataset").addEventListener("change", () => read($("dataset").value));
for (const id of ["find", "reads", "kind"]) $(id).addEventListener("input", drawLeaders);
$("filters").addEventListener("input", search);
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(() => $("browse").hidden || search())); // when fields are empty
$("before").addEventListener("click", () => turn(-1));
$("after").addEventListener("click", () => turn(1));
$("other").addEventListener("change", drawRecord);
$("back").addEventListener("click", () => step(-1));
$("on").addEventListener("click", () => step(1));
$("close").addEventListener("click", () => $("record").close());
$("record").addEventListener("keydown", (event) => {
  if (event.target === $("other")) return; // whose arrows choose a model
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
$("record").addEventListener("click", (event) => {
  if (event.target === $("record")) $("record").close(); // beside it
});

function turn(by) {
  page += by;
  drawRecords();
  $("said").scrollIntoView();
}

drawHeads();
if ($("dataset").value) read(0);
else for (const id of ["results", "browse"]) $(id).hidden = true; // there is no dataset at all
