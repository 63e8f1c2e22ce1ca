// Typed text survives a reload.

/** Stores the text of a field, and restores the stored text. */
export function draft(field) {
  const name = `anyface-draft-${field.id}`;
  field.value ||= sessionStorage.getItem(name) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(name, field.value));
}

/** Sets the text of a field as if it were typed. */
export function fill(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
}
