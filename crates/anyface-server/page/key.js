// The key of a studio that wants one.

const dialog = document.getElementById("key-dialog");
const field = document.getElementById("key");
let asking = null;

/** Asks the visitor for a key, once for all that wait for it; `null` when there is none. */
export function askForKey() {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

async function ask() {
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "ok" ? field.value.trim() : null;
}
