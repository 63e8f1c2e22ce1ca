// The faces and their steps in the browser's IndexedDB.
// A face is `{id, model, batch, label, seed, photo, favourite, current}`, where `current` is the id
// of a step. A step is a result of `history.record`. Ids sort by time.

const NAME = "anyface";
const VERSION = 1;

let database = null;
let lastTime = 0;

/** A new id, greater than all earlier ones. `crypto.randomUUID` does not exist on plain http. */
export function newId() {
  lastTime = Math.max(Date.now(), lastTime + 1);
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return lastTime.toString(36).padStart(9, "0") + random.toString(36).padStart(7, "0");
}

/** All faces. */
export async function faces() {
  const { faces } = await within("readonly");
  return answer(faces.getAll());
}

/** The steps with these ids, in their order; `undefined` for a missing step. */
export async function steps(ids) {
  const { steps } = await within("readonly");
  return Promise.all(ids.map((id) => answer(steps.get(id))));
}

/** All steps of a face, oldest first. */
export async function stepsOf(face) {
  const { steps } = await within("readonly");
  return answer(steps.index("face").getAll(face));
}

/** Writes faces and steps in one transaction. */
export async function save({ faces = [], steps = [] }) {
  const stores = await within("readwrite");
  for (const face of faces) stores.faces.put(face);
  for (const step of steps) stores.steps.put(step);
  return stores.done;
}

/** Removes faces with all their steps, and single steps, in one transaction. */
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
  // Readers wait for their requests instead, so a rejection may have no handler.
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
