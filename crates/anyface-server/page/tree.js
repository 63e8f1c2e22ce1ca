// The history of a face, as nested lists of buttons.

import { due, picture, shown } from "./history.js";
import { address } from "./pictures.js";

/** Draws a tree into a list. Calls `choose` on clicks. Keeps the keyboard focus. */
export function draw({ root, current }, list, choose) {
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.step;
  list.replaceChildren(item(root, current, choose));
  if (focused) list.querySelector(`[data-step="${focused}"]`)?.focus();
}

function item(node, current, choose) {
  const li = document.createElement("li");
  li.append(button(node, node === current, choose));
  if (node.children.length) {
    // Only forks are indented, not chains.
    const nested = document.createElement("ol");
    nested.classList.toggle("chain", node.children.length === 1);
    nested.append(...node.children.map((child) => item(child, current, choose)));
    li.append(nested);
  }
  return li;
}

function button(node, current, choose) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "step";
  made.dataset.step = node.id;
  made.setAttribute("aria-current", current);
  const pictures = document.createElement("span");
  pictures.className = "pictures";
  pictures.append(image(picture(node)));
  if (node.other) pictures.append(image(node.other.image));
  const label = document.createElement("span");
  label.className = "label";
  label.textContent = node.label;
  made.append(pictures, label);
  if (node.kind !== "root") {
    const amount = document.createElement("small");
    amount.textContent = node.failed ? "not made" : node.image || !due(node) ? shown(node) : "…";
    made.append(amount);
  }
  made.addEventListener("click", () => choose(node));
  return made;
}

function image(blob) {
  const made = document.createElement("img");
  made.src = address(blob);
  made.alt = "";
  return made;
}
