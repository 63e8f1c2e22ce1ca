// How a face came about: a tree of steps, each with the latent and picture it led to.

let nextId = 0;

/** The first step: a face of the grid. */
export function rooted(face) {
  const root = {
    id: nextId++,
    parent: null,
    children: [],
    kind: "root",
    label: face.label,
    image: face.image,
    latent: face.latent,
    from: face.from,
    original: face.original,
  };
  return { root, current: root };
}

/** A step from `parent`: `{kind: "edit", label, amount, keep}` or `{kind: "mix", label, amount, other}`. */
export function step(parent, change) {
  return { id: nextId++, parent, children: [], image: parent.image, latent: parent.latent, ...change };
}

/** Puts a step under its parent. */
export function attach(node) {
  node.parent.children.push(node);
}

/** What the server is asked for the face of a step, from the one before. */
export function request(node) {
  const before = node.parent.latent;
  if (node.kind === "mix") return { from: { mix: { from: before, to: node.other, t: node.amount } } };
  return { from: { latent: before }, edits: [edit(node)] };
}

/** What the server is asked for the same face from its very beginning: words and seed, where it has them. */
export function wholeRequest(node) {
  const edits = [];
  let at = node;
  for (; at.kind === "edit"; at = at.parent) edits.unshift(edit(at));
  const from = at.kind === "root" ? at.from : { latent: at.latent };
  return { from, ...(edits.length ? { edits } : {}) };
}

function edit(node) {
  const keep = node.keep.length ? { keep: node.keep } : {};
  return { prompt: node.label, strength: node.amount, ...keep };
}

/** The command that makes the same face in a terminal. */
export function curl(node, origin) {
  const key = localStorage.getItem("anyface-key") ? ` \\\n  -H "Authorization: Bearer $ANYFACE_KEY"` : "";
  const body = JSON.stringify(wholeRequest(node)).replaceAll("'", "'\\''");
  return `curl -s ${origin}/v1/faces \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${body}' \\\n  | jq -r .b64_json | base64 -d > face.png`;
}

/** The tree as nested lists of buttons. */
export function draw(history, list, choose) {
  list.replaceChildren(item(history.root, history.current, choose));
}

function item(node, current, choose) {
  const li = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "step";
  button.setAttribute("aria-current", node === current);
  const image = document.createElement("img");
  image.src = node.image;
  image.alt = "";
  const label = document.createElement("span");
  label.textContent = node.label;
  button.append(image, label);
  if (node.kind !== "root") {
    const amount = document.createElement("small");
    amount.textContent = shown(node);
    button.append(amount);
  }
  button.addEventListener("click", () => choose(node));
  li.append(button);
  if (node.children.length) {
    // A chain stays flush; only a fork is set in.
    const nested = document.createElement("ol");
    nested.classList.toggle("chain", node.children.length === 1);
    nested.append(...node.children.map((child) => item(child, current, choose)));
    li.append(nested);
  }
  return li;
}

/** The amount of a step, for people. */
export function shown(node) {
  const percent = Math.round(node.amount * 100);
  return node.kind === "edit" && percent > 0 ? `+${percent} %` : `${percent} %`.replace("-", "−");
}
