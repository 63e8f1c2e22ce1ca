// What is being typed outlives a reload.

/** Remembers what is in a field, and puts back what was. */
export function draft(field) {
  const name = `anyface-draft-${field.id}`;
  field.value ||= sessionStorage.getItem(name) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(name, field.value));
}

/** Fills a field as typing does. */
export function fill(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
}
