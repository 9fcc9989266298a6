"use strict";
// What the demo page of a server and the report's explorer draw alike. Text is set as text, never as HTML.
const NEAR = 0.0005; // of 0 and 1: probabilities come with three digits

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const logit = (p) => Math.log(p / (1 - p));
const sigmoid = (z) => 1 / (1 + Math.exp(-z));

// Of each label of `probabilities` (label -> probability) its threshold. A rule without thresholds ranks the calibrated
// probabilities of a record and gives the first few: there the mark parts these from the others, as they were before.
function marks(rule, probabilities, given) {
  const labels = [...probabilities.keys()];
  if (rule.thresholds) return new Map(labels.map((label) => [label, rule.thresholds[label]]));
  const shift = (label) => (rule.shifts ? rule.shifts[label] : 0);
  const moved = (label) => rule.slope * logit(Math.min(1 - NEAR, Math.max(NEAR, probabilities.get(label)))) + shift(label);
  const last = Math.min(...labels.filter((label) => given.has(label)).map(moved));
  const next = Math.max(...labels.filter((label) => !given.has(label)).map(moved));
  const cut = (last + next) / 2;
  return Number.isFinite(cut) ? new Map(labels.map((label) => [label, sigmoid((cut - shift(label)) / rule.slope)])) : new Map();
}

function bar(name, probability, given, mark) {
  const made = element("div", given ? "bar given" : "bar");
  const track = element("div", "track");
  const fill = element("div", "fill");
  fill.style.width = `${100 * probability}%`;
  track.append(fill);
  if (mark !== undefined) {
    const line = element("div", "mark");
    line.style.left = `${100 * mark}%`;
    line.title = mark.toFixed(3);
    track.append(line);
  }
  made.append(element("span", "name", name), track, element("span", "value", probability.toFixed(3)));
  return made;
}

// Where a network looked for each label (`heat`, base64 of an image of that `kind`), and which words counted.
function reasons(labels, kind) {
  return labels.map((label) => {
    const figure = element("figure");
    if (label.heat) {
      const image = element("img");
      image.alt = `where the network looks for ${label.name}`;
      image.src = `data:image/${kind};base64,${label.heat}`;
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
}
