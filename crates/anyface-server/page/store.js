// What the browser keeps between visits: faces, and the steps that led to them, in IndexedDB.
// A face is `{id, model, batch, label, seed, photo, favourite, current}`, `current` the id of a
// step; a step is what `history.record` makes. Ids sort by time.

const NAME = "anyface";
const VERSION = 1;

let database = null;
let lastTime = 0;

/** A new id, greater than all before. No `crypto.randomUUID`: pages of plain http have none. */
export function newId() {
  lastTime = Math.max(Date.now(), lastTime + 1);
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return lastTime.toString(36).padStart(9, "0") + random.toString(36).padStart(7, "0");
}

/** Every face. */
export async function faces() {
  const { faces } = await within("readonly");
  return answer(faces.getAll());
}

/** The steps of these ids, in their order; `undefined` where there is none. */
export async function steps(ids) {
  const { steps } = await within("readonly");
  return Promise.all(ids.map((id) => answer(steps.get(id))));
}

/** All steps of a face, oldest first. */
export async function stepsOf(face) {
  const { steps } = await within("readonly");
  return answer(steps.index("face").getAll(face));
}

/** Writes all of these or none. */
export async function save({ faces = [], steps = [] }) {
  const stores = await within("readwrite");
  for (const face of faces) stores.faces.put(face);
  for (const step of steps) stores.steps.put(step);
  return stores.done;
}

/** Removes faces with all their steps, and single steps; all or none. */
export async function remove({ faces = [], steps = [] }) {
  const stores = await within("readwrite");
  for (const face of faces) {
    stores.faces.delete(face);
    const keys = stores.steps.index("face").getAllKeys(face);
    keys.onsuccess = () => keys.result.forEach((key) => stores.steps.delete(key));
  }
  for (const step of steps) stores.steps.delete(step);
  return stores.done;
}

async function within(mode) {
  database ??= open();
  const transaction = (await database).transaction(["faces", "steps"], mode);
  const done = new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
  // Whoever only reads waits for its answers instead.
  done.catch(() => {});
  return { faces: transaction.objectStore("faces"), steps: transaction.objectStore("steps"), done };
}

function open() {
  const asked = indexedDB.open(NAME, VERSION);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("faces", { keyPath: "id" });
    asked.result.createObjectStore("steps", { keyPath: "id" }).createIndex("face", "face");
  };
  return answer(asked);
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
