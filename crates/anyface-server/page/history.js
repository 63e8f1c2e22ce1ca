// How a face came about: a tree of steps, each with the latent and picture it led to.
//
// A step is `{id, face, parent, children, kind, label, amount, made, image, latent, change}`.
// `made` is the amount that `image` and `latent` were made with, `null` before there are any;
// `change` is how much its picture differs from the one before. A root also has `from` (words) or
// `original` (a photo), `which` of its faces, `mask` (where it may change) and `character` (whether the
// model draws all of it), an edit `keep`, a mix `other`, its second parent:
// `{face, label, image, latent}`.

import { named } from "./api.js";
import { toDataUrl } from "./pictures.js";
import { newId } from "./store.js";

/** Levels of 255. Of 35 edits by the built-in bundle, those below it were not seen by eye. */
const SEEN = 16;

/** The first step of a face: `start` is `{label, from}` or `{label, original}`. */
export function root(face, start) {
  return step(null, { face, kind: "root", amount: 1, ...start });
}

/** A step on `parent`: `{kind: "edit", label, amount, keep}`, or `{kind: "mix", …, other}`. */
export function step(parent, change) {
  const unmade = { made: null, image: null, latent: null };
  const step = { id: newId(), face: parent?.face, parent, children: [], ...unmade, ...change };
  parent?.children.push(step);
  return step;
}

/** Takes a step out of the tree; those that build on it build on its parent. */
export function detach(node) {
  for (const child of node.children) child.parent = node.parent;
  const siblings = node.parent.children.filter((child) => child !== node);
  node.parent.children = [...siblings, ...node.children];
}

/** Whether the picture of a step is yet to be made, or made anew. */
export function due(node) {
  return node.made !== node.amount;
}

/** Whether the change of a finished step can be seen. */
export function seen(node) {
  return node.change === undefined || node.change >= SEEN;
}

/** A step as the store keeps it: its parent by id. */
export function record({ children, failed, parent, ...kept }) {
  return { ...kept, parent: parent?.id ?? null };
}

/** The tree of stored steps: `{root, current}`. */
export function tree(records, current) {
  const nodes = new Map(records.map((kept) => [kept.id, { ...kept, children: [] }]));
  for (const node of nodes.values()) {
    node.parent = nodes.get(node.parent) ?? null;
    node.parent?.children.push(node);
  }
  const first = [...nodes.values()].find((node) => !node.parent);
  return { root: first, current: nodes.get(current) ?? first };
}

/** Every step from `node` on. */
export function all(node) {
  return [node, ...node.children.flatMap(all)];
}

/** The picture of a step or, while there is none, of the step it builds on. */
export function picture(node) {
  return node.image ?? (node.parent ? picture(node.parent) : node.original);
}

/** What the server is asked for the face of a step, from the one before. */
export async function request(node) {
  if (node.kind === "root" && node.from) return { from: node.from };
  if (node.kind === "mix") return { from: mix(node) };
  const photograph = await photographOf(node);
  const kept = photograph ? { photograph } : {};
  if (node.kind === "root") {
    const which = node.which ? { face: node.which } : {};
    return { from: { image: await toDataUrl(node.original) }, ...which, ...kept };
  }
  return { from: { latent: node.parent.latent }, edits: [edit(node)], ...kept };
}

/** The photograph that a step changes, with the latent of its face; `null` where none keeps its details. */
export async function photographOf(node) {
  let first = node;
  while (first.kind === "edit") first = first.parent;
  if (!first.original || first.character) return null;
  const photograph = { image: await toDataUrl(first.original) };
  if (first.which) photograph.face = first.which;
  if (first !== node) photograph.latent = first.latent;
  if (first.mask) photograph.mask = await toDataUrl(first.mask);
  return photograph;
}

/** What the server is asked for the face from its beginning: words and seed, or two parents. */
export function wholeRequest(node) {
  const edits = [];
  let at = node;
  for (; at.kind === "edit"; at = at.parent) edits.unshift(edit(at));
  const from = at.kind === "mix" ? mix(at) : (at.from ?? { latent: at.latent });
  return { from, ...(edits.length ? { edits } : {}) };
}

function mix(node) {
  return { mix: { from: node.parent.latent, to: node.other.latent, t: node.amount } };
}

function edit(node) {
  const keep = node.keep.length ? { keep: node.keep } : {};
  return { prompt: node.label, strength: node.amount, ...keep };
}

/** The command that makes the same face in a terminal. */
export function curl(node, origin) {
  const key = localStorage.getItem("anyface-key")
    ? [`-H "Authorization: Bearer $ANYFACE_KEY"`]
    : [];
  const body = JSON.stringify(named(wholeRequest(node))).replaceAll("'", "'\\''");
  return [
    `curl -s ${origin}/v1/faces`,
    `-H 'Content-Type: application/json'`,
    ...key,
    `-d '${body}'`,
    "| jq -r .b64_json | base64 -d > face.png",
  ].join(" \\\n  ");
}

/** The amount of a step, for people. */
export function shown(node) {
  const percent = Math.round(node.amount * 100);
  return node.kind === "edit" && percent > 0 ? `+${percent} %` : `${percent} %`.replace("-", "−");
}
