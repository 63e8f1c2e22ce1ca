// Export of all faces to a file, and import.

import { fromDataUrl, toDataUrl } from "./pictures.js";
import * as store from "./store.js";

const FORMAT = "anyface session";
const VERSION = 1;
const KINDS = ["root", "edit", "mix"];

/** All faces with histories, latents and pictures. In parts, because strings have a limit. */
export async function exported() {
  const parts = [`{"format":"${FORMAT}","version":${VERSION},"faces":[`];
  for (const [i, face] of (await store.faces()).entries()) {
    const records = await store.stepsOf(face.id);
    const steps = await Promise.all(records.map((step) => withPictures(step, toDataUrl)));
    parts.push(i ? ",\n" : "\n", JSON.stringify({ ...face, steps }));
  }
  return new Blob([...parts, "\n]}\n"], { type: "application/json" });
}

/** Adds the faces of a file, except those already here. Resolves to `{added, known}`. */
export async function imported(file) {
  const faces = await read(file);
  const present = new Set((await store.faces()).map((face) => face.id));
  const added = faces.filter((face) => !present.has(face.id));
  const steps = added.flatMap((face) => face.steps);
  await store.save({ faces: added.map(({ steps, ...face }) => face), steps });
  return { added: added.length, known: faces.length - added.length };
}

async function read(file) {
  let session;
  try {
    session = JSON.parse(await file.text());
    if (session.format === FORMAT && session.version > VERSION) throw new RangeError();
    if (session.format !== FORMAT || !session.faces.every(sound)) throw new TypeError();
    for (const face of session.faces) {
      face.steps = await Promise.all(face.steps.map((step) => withPictures(step, fromDataUrl)));
    }
  } catch (error) {
    const newer = error instanceof RangeError;
    const why = newer ? "was saved by a newer studio" : "is not a file that this studio saved";
    throw new Error(`“${file.name}” ${why}.`);
  }
  return session.faces;
}

/** Whether a face and its history are consistent. */
function sound({ id, model, batch, label, unclear = [], current, steps }) {
  const ids = new Set(steps.map((step) => step.id));
  return (
    Array.isArray(unclear) &&
    areTexts(id, model, batch, label, ...unclear) &&
    ids.size === steps.length &&
    ids.has(current) &&
    steps.filter((step) => step.parent === null).length === 1 &&
    steps.every((step, i) => step.face === id && follows(step, steps.slice(0, i)) && complete(step))
  );
}

function follows(step, earlier) {
  return step.parent === null || earlier.some(({ id }) => id === step.parent);
}

function complete({ id, kind, label, amount, made, image, latent, keep, other, from, original }) {
  const mix = other && areTexts(other.label, other.latent);
  const start = { root: from || original, edit: Array.isArray(keep), mix };
  const waits = made === null && image === null && latent === null;
  return (
    areTexts(id, label) &&
    KINDS.includes(kind) &&
    start[kind] &&
    Number.isFinite(amount) &&
    (waits || (Number.isFinite(made) && areTexts(image, latent)))
  );
}

function areTexts(...values) {
  return values.every((value) => typeof value === "string");
}

/** A step with all its pictures converted by `change`. */
async function withPictures(step, change) {
  const changed = { ...step };
  for (const name of ["image", "original", "mask"])
    if (step[name]) changed[name] = await change(step[name]);
  if (step.other) changed.other = { ...step.other, image: await change(step.other.image) };
  return changed;
}
