// The start of the page: connects its parts.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Editor } from "./editor.js";
import { exported, imported } from "./exchange.js";
import { Gallery } from "./gallery.js";
import { Grid } from "./grid.js";
import { due, seen, shown } from "./history.js";
import { askForKey } from "./key.js";
import { clearNotice, notice, say, tell } from "./notice.js";
import { acceptPhotos, readPhoto } from "./photo.js";
import { address } from "./pictures.js";
import * as route from "./route.js";
import { themed } from "./theme.js";
import { whichFace } from "./which.js";

const VISITED = "anyface-visited";
const MODEL = "anyface-model";
const $ = (id) => document.getElementById(id);

themed($("theme"));
api.onKeyWanted(askForKey);

const gallery = new Gallery({
  changed: (face) => {
    grid.show(face);
    editor.changed(face);
    summarise();
  },
  removed: (face) => {
    grid.remove(face);
    editor.removed(face);
    summarise();
  },
  done: announce,
  refused: (face, step, error) => {
    notice(error);
    if (step.parent) editor.giveBack(face, step.label);
  },
  failed: (error) => notice(error, () => gallery.retry()),
  unsaved,
  busy: (busy) => {
    composer.busy(busy);
    $("grid").classList.toggle("stalled", !busy);
    editor.progress();
  },
});
const grid = new Grid($("grid"), {
  pick: open,
  reuse: (words) => composer.reuse(words),
  cancel: (faces) => faces.forEach((face) => gallery.remove(face)),
});
const editor = new Editor($("editor"), $("editor-template"), gallery, {
  opened: (face) => {
    $("studio").classList.add("editing");
    grid.mark(face);
  },
  closed: (face) => {
    $("studio").classList.remove("editing");
    grid.mark(null);
    grid.focus(face);
    route.leave();
  },
  removed: (face, restore) => tell("Removed.", "Undo", restore),
});
const composer = new Composer($("composer"), ({ prompt, n, truncation, seed }) => {
  clearNotice();
  gallery.create(
    Array.from({ length: n }, (_, i) => {
      const words = { prompt, seed: seed + i, truncation };
      return { label: prompt, seed: seed + i, from: { words } };
    }),
  );
});

async function open(face) {
  await editor.open(face);
  await route.enter(face.id);
}

async function takePhoto(file) {
  clearNotice();
  try {
    const original = await readPhoto(file);
    const which = await whichFace(original, model);
    if (which === null) return;
    const [face] = gallery.create([{ label: file.name || "Photo", original, which }]);
    await open(face);
  } catch (error) {
    notice(error);
  }
}

/** Announces a finished step to screen readers. */
function announce(face, step) {
  if (step.parent) {
    const outcome = seen(step) ? "done" : "no visible change";
    say(`“${step.label}”, ${shown(step)}: ${outcome}.`);
    return;
  }
  const batch = gallery.faces().filter((other) => other.batch === face.batch);
  const missing = batch.some((other) => !other.tip.parent && due(other.tip));
  const one = batch.length === 1;
  if (!missing) say(one ? "The face is ready." : `${batch.length} faces are ready.`);
}

function unsaved() {
  const why = "This browser has no room for faces, or is set to keep none";
  notice(new Error(`${why}: new faces are lost when this page closes.`));
}

function summarise() {
  const faces = gallery.faces();
  $("gallery-bar").hidden = $("hint").hidden = $("export").hidden = !faces.length;
}

$("favourites").addEventListener("click", () => {
  const only = $("favourites").getAttribute("aria-pressed") !== "true";
  $("favourites").setAttribute("aria-pressed", only);
  $("grid").classList.toggle("only-favourites", only);
});

$("export").addEventListener("click", async () => {
  const link = document.createElement("a");
  link.href = address(await exported());
  link.download = `anyface-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
});

$("import").addEventListener("click", () => $("session").click());

addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, input:not([type=range])");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    $("prompt").focus();
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    editor.close();
  } else if (
    event.key === "z" &&
    (event.ctrlKey || event.metaKey) &&
    !(typing && event.target.value)
  ) {
    event.preventDefault();
    editor.undo();
  }
});

/** The model that the visitor chose last, or the first. */
function choose(models) {
  const kept = localStorage.getItem(MODEL);
  const chosen = models.find((model) => model.id === kept) ?? models[0];
  api.use(chosen === models[0] ? null : chosen.id);
  const list = $("models");
  list.replaceChildren(...models.map(({ id }) => new Option(id, id, false, id === chosen.id)));
  list.hidden = models.length < 2;
  list.addEventListener("change", () => {
    localStorage.setItem(MODEL, list.value);
    // Faces belong to a model, so the page reloads with those of the chosen one.
    location.assign("/");
  });
  return chosen;
}

/** Shows the name, resolution and licence of the model. */
function introduce(model) {
  const size = `${model.resolution} × ${model.resolution}`;
  $("model").textContent = `${model.id} · ${size}`;
  $("model").hidden = !$("models").hidden;
  $("licence").textContent = model.license
    ? `Licence of the model “${model.id}”: ${model.license}.`
    : `The licence of the model “${model.id}” is unknown.`;
}

async function load(model) {
  try {
    const others = await gallery.load(model.id);
    const text = `Another model has ${others} more here. They appear with that model.`;
    $("others").textContent = others ? text : "";
  } catch {
    unsaved();
  }
}

let model = null;
try {
  model = choose(await api.models());
  introduce(model);
  composer.fit(model);
  editor.fit(model);
  await load(model);
  route.follow((id) => {
    const face = gallery.get(id);
    if (face) editor.open(face);
    else editor.close();
  });
  $("session").addEventListener("change", async () => {
    const [file] = $("session").files;
    $("session").value = "";
    try {
      const { added, known } = await imported(file);
      await load(model);
      tell(`${added} faces added${known ? `, ${known} were here already` : ""}.`);
    } catch (error) {
      notice(error);
    }
  });
  if (model.photos) {
    const wanted = "A photo cut to head and shoulders of one face";
    if (!model.finds_faces) $("upload").title = $("drop-text").textContent = wanted;
    acceptPhotos({ button: $("upload"), input: $("file"), drop: $("drop") }, takePhoto);
  } else {
    $("upload").hidden = true;
  }
  // The first visit starts with an example.
  if (!localStorage.getItem(VISITED)) {
    localStorage.setItem(VISITED, "1");
    composer.example();
  }
} catch (error) {
  notice(error, () => location.reload());
}
