// What can be tried: each view's fields, the request that they make, and its answer drawn.

import { post } from "./api.js";
import { bars, found, heatMap, highlighted, meter, note, tokens } from "./draw.js";

const area = (name, label, value, rows = 3) => ({ name, label, kind: "area", value, rows });
const lines = (name, label, value, rows = 5) => ({ name, label, kind: "lines", value: value.join("\n"), rows });
const check = (name, label, value = false) => ({ name, label, kind: "check", value });
const choice = (name, label, options) => ({ name, label, kind: "choice", options, value: options[0][0] });
const count = (name, label, value, most) => ({ name, label, kind: "number", value: String(value), least: 1, most });

const BEST = 12;

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

function cosines(vectors) {
  const lengths = vectors.map((vector) => Math.sqrt(dot(vector, vector)) || 1);
  return vectors.map((a, i) => vectors.map((b, j) => dot(a, b) / (lengths[i] * lengths[j])));
}

const labelBars = (labels) => bars(labels.slice(0, BEST).map(({ label, score }) => ({ name: label, value: score })));

const places = (span) => `${span.start}–${span.end}`;

const spanRows = (spans, note) => bars(spans.map((span) => ({ name: span.text, note: note(span), value: span.score })));

function ranked(documents, answers) {
  const most = Math.max(1, ...answers.map((one) => Math.abs(one.score)));
  return bars(answers.map(({ index, score }) => ({ name: documents[index], note: `document ${index + 1}`, value: score })), { most });
}

// Of tokens' vectors: each word of the query takes the document's word that fits best.
function maxsim(query, document) {
  return query.reduce((sum, a) => sum + Math.max(...document.map((b) => dot(a, b))), 0);
}

const MODES = [["vector", "meaning"], ["text", "words"], ["hybrid", "meaning and words"]];

const asWritten = (word) => {
  try {
    return JSON.parse(word);
  } catch {
    return word;
  }
};

// Lines of "column = value"; several of one column let through any of their values.
function conditions(lines) {
  const found = {};
  for (const line of lines) {
    const [column, ...value] = line.split("=");
    (found[column.trim()] ??= []).push(asWritten(value.join("=").trim()));
  }
  return Object.fromEntries(Object.entries(found).map(([column, values]) => [column, values.length > 1 ? values : values[0]]));
}

const LIBRARY = [
  "When do you close on Fridays?",
  "How late are you open at the end of the week?",
  "Can I borrow a film?",
  "My son hates reading. What can you suggest?",
  "Something for a boy who does not like books",
];

export const VIEWS = [
  {
    id: "similarity",
    title: "Similarity",
    tasks: ["embed"],
    fields: [lines("texts", "Texts, one a line", LIBRARY, 6)],
    request: ({ texts }) => ({ route: "v1/embeddings", body: { input: texts, encoding_format: "base64" } }),
    draw: ({ data }, { texts }) => {
      const vectors = data.map((one) => floats(one.embedding));
      return [heatMap(texts, cosines(vectors)), note(`${vectors.length} vectors of ${vectors[0].length} numbers`)];
    },
  },
  {
    id: "labels",
    title: "Labels",
    tasks: ["classify"],
    fields: [
      area("text", "Text", "What a lovely, funny film, and how well it is played."),
      area("pair", "Second text, for models of pairs", "", 2),
    ],
    request: ({ text, pair }) => ({ route: "v1/classify", body: { inputs: [pair ? [text, pair] : text] } }),
    draw: ({ answers }) => [labelBars(answers[0])],
  },
  {
    id: "your-labels",
    title: "Your labels",
    tasks: ["zero_shot"],
    fields: [
      area("text", "Text", "The heating fails again and nobody answers the telephone."),
      lines("labels", "Labels, one a line", ["complaint", "praise", "question"], 3),
      check("multi_label", "Judge each label alone"),
    ],
    request: ({ text, labels, multi_label }) => ({ route: "v1/zero_shot", body: { inputs: [text], labels, multi_label } }),
    draw: ({ answers }) => [labelBars(answers[0])],
  },
  {
    id: "ranking",
    title: "Ranking",
    tasks: ["rank"],
    fields: [area("query", "Query", "how late are you open on friday", 1), lines("documents", "Documents, one a line", LIBRARY)],
    request: ({ query, documents }) => ({ route: "v1/rank", body: { query, documents } }),
    draw: ({ answers }, { documents }) => [ranked(documents, answers)],
  },
  {
    id: "entities",
    title: "Entities",
    tasks: ["tag"],
    fields: [area("text", "Text", "Ada Lovelace was born in London in 1815, and wrote to Charles Babbage for years.", 4)],
    request: ({ text }) => ({ route: "v1/tag", body: { inputs: [text] } }),
    draw: ({ answers: [spans] }, { text }) => [highlighted(text, spans), spans.length ? spanRows(spans, (span) => `${span.label} · ${places(span)}`) : note("No entities.")],
  },
  {
    id: "answers",
    title: "Answers",
    tasks: ["answer"],
    fields: [
      area("question", "Question", "How large is the basin?", 1),
      area("context", "Text to answer from", "The Amazon rainforest covers most of the Amazon basin of South America. The basin encompasses 7,000,000 square kilometres, of which 5,500,000 are covered by the rainforest.", 5),
    ],
    request: ({ question, context }) => ({ route: "v1/answer", body: { inputs: [[question, context]], top_k: 3 } }),
    draw: ({ answers: [found] }, { context }) => {
      const spans = found.map((one) => ({ ...one, label: "answer" })).filter((one) => one.text);
      if (!spans.length) return [note("No answer.")];
      return [highlighted(context, spans.slice(0, 1)), spanRows(spans, places)];
    },
  },
  {
    id: "fill",
    title: "Missing words",
    tasks: ["fill"],
    fields: [area("text", "Text with a mask", "Paris is the {mask} of France.", 2)],
    request: ({ text }) => ({ route: "v1/fill", body: { inputs: [text], top_k: 8 } }),
    draw: ({ answers: [masks] }) => masks.map((found) => bars(found.map(({ token, score }) => ({ name: token, value: score })))),
  },
  {
    id: "next",
    title: "Next sentence",
    tasks: ["next_sentence"],
    fields: [area("first", "First", "She opened the umbrella.", 2), area("second", "Second", "It had begun to rain.", 2)],
    request: ({ first, second }) => ({ route: "v1/next_sentence", body: { inputs: [[first, second]] } }),
    draw: ({ answers: [chance] }) => [meter(chance, "doesn't follow", "follows")],
  },
  {
    id: "weights",
    title: "Weights",
    tasks: ["sparse"],
    fields: [area("text", "Text", "A good book for a boy who does not like reading.")],
    request: ({ text }) => ({ route: "v1/embed_sparse", body: { inputs: [text], top_k: BEST } }),
    draw: async ({ answers: [vector] }, _, at) => {
      const rows = vector.indices.map((id, i) => ({ id, value: vector.weights[i] })).sort((a, b) => b.value - a.value);
      const words = await post(at("decode"), { ids: rows.map(({ id }) => [id]), skip_special_tokens: false });
      const most = Math.max(1, ...rows.map((row) => row.value));
      return [bars(rows.map(({ id, value }, i) => ({ name: words[i] || "(none)", note: `id ${id}`, value })), { most })];
    },
  },
  {
    id: "late",
    title: "Token by token",
    tasks: ["multivector"],
    fields: [area("query", "Query", "how late are you open on friday", 1), lines("documents", "Documents, one a line", LIBRARY)],
    request: ({ documents }) => ({ route: "v1/embed_multi", body: { inputs: documents, kind: "document" } }),
    draw: async ({ answers }, { query, documents }, at) => {
      const asked = await post(at("v1/embed_multi"), { inputs: [query], kind: "query" });
      const scores = answers.map((vectors, index) => ({ index, score: maxsim(asked.answers[0], vectors) }));
      return [ranked(documents, scores.sort((a, b) => b.score - a.score))];
    },
  },
  {
    id: "search",
    title: "Search",
    tasks: null,
    needs: ({ indexes }) => indexes.length,
    fields: ({ indexes, rerankers }) => [
      area("query", "Query", "how late are you open on friday", 1),
      choice("index", "Index", indexes.map(({ id, rows }) => [id, `${id} (${rows.toLocaleString("en")} rows)`])),
      choice("mode", "Search by", MODES),
      count("k", "Rows", 5, 1000),
      ...(rerankers.length ? [choice("rerank", "Read the best again with", [["", "nothing"], ...rerankers.map((name) => [name, name])])] : []),
      {
        ...lines("where", "Only rows where, “column = value” a line", [], 2),
        hint: indexes.map(({ id, columns }) => `${id}: ${columns.join(", ")}`).join(" · "),
      },
    ],
    request: ({ index, query, mode, k, rerank, where }) => ({
      route: "v1/search",
      body: { index, query, mode, k, ...(rerank && { rerank }), ...(where.length && { where: conditions(where) }) },
    }),
    draw: ({ index, answers }, { mode, rerank }, _, { indexes }) => {
      if (!answers.length) return [note("No row matches.")];
      const { column } = indexes.find(({ id }) => id === index);
      return [found(answers, column, { digits: mode === "hybrid" && !rerank ? 4 : 3 })];
    },
  },
  {
    id: "tokens",
    title: "Tokens",
    tasks: null,
    fields: [area("text", "Text", "Unbelievably, the café re-opened in Kraków.")],
    request: ({ text }) => ({ route: "v1/tokenize", body: { inputs: [text] } }),
    draw: ({ answers: [encoding] }) => tokens(encoding),
  },
];

export const viewsOf = (model, served) =>
  VIEWS.filter((view) => (view.tasks === null || view.tasks.includes(model.task)) && (view.needs?.(served) ?? true));
