// The dialog for the API key.

const dialog = document.getElementById("key-dialog");
const field = document.getElementById("key");
let asking = null;

/** Asks the visitor for a key. Concurrent callers share one dialog. `null` without a key. */
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
