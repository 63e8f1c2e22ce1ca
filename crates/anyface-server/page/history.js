// The history of a face: a tree of steps, each with its latent and picture.
//
// A step is `{id, face, parent, children, kind, label, amount, made, image, latent, change}`.
// `made` is the amount that `image` and `latent` were made with, `null` before they exist. `change`
// is the difference of its picture from that of its parent. A root also has `from` (words) or
// `original` (a photo), `which` (the index of its face), `mask` (where it may change) and
// `character` (whether the model draws all of it). An edit also has `keep`, and a mix `other`, its
// second parent: `{face, label, image, latent}`.

import { named } from "./api.js";
import { toDataUrl } from "./pictures.js";
import { newId } from "./store.js";

/** Smallest visible change in levels of 255, found by eye on 35 edits by the built-in bundle. */
const SEEN = 16;

/** The first step of a face: `start` is `{label, from}` or `{label, original}`. */
export function root(face, start) {
  return step(null, { face, kind: "root", amount: 1, ...start });
}

/** A new step on `parent`: `{kind: "edit", label, amount, keep}`, or `{kind: "mix", …, other}`. */
export function step(parent, change) {
  const unmade = { made: null, image: null, latent: null };
  const step = { id: newId(), face: parent?.face, parent, children: [], ...unmade, ...change };
  parent?.children.push(step);
  return step;
}

/** Removes a step from the tree. Its children become those of its parent. */
export function detach(node) {
  for (const child of node.children) child.parent = node.parent;
  const siblings = node.parent.children.filter((child) => child !== node);
  node.parent.children = [...siblings, ...node.children];
}

/** Whether the picture of a step is missing or outdated. */
export function due(node) {
  return node.made !== node.amount;
}

/** Whether the change of a finished step is visible. */
export function seen(node) {
  return node.change === undefined || node.change >= SEEN;
}

/** A step as a record of the store, which names the parent by its id. */
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

/** `node` and all its descendants. */
export function all(node) {
  return [node, ...node.children.flatMap(all)];
}

/** The picture of a step or, while it has none, of its parent. */
export function picture(node) {
  return node.image ?? (node.parent ? picture(node.parent) : node.original);
}

/** The request for the face of a step, starting from its parent. */
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

/** The photograph that a step edits, with the latent of its face; `null` if there is none. */
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

/** The request for a face from its start: words and seed, or two parents, and all edits. */
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

/** The curl command that makes the same face. */
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

/** The amount of a step as text. */
export function shown(node) {
  const percent = Math.round(node.amount * 100);
  return node.kind === "edit" && percent > 0 ? `+${percent} %` : `${percent} %`.replace("-", "−");
}
