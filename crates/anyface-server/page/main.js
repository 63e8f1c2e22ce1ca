// The page: ties the parts together.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { Editor } from "./editor.js";
import { Grid } from "./grid.js";
import { rooted } from "./history.js";
import { clearNotice, notice } from "./notice.js";
import { acceptPhotos, readPhoto } from "./photo.js";
import { themed } from "./theme.js";

const VISITED = "anyface-visited";
const $ = (id) => document.getElementById(id);

themed($("theme"));
api.onKeyWanted(askForKey);

const grid = new Grid($("grid"), (face) => editor.open(face.history ??= rooted(face)));
const editor = new Editor($("editor"), $("editor-template"), {
  shelf: () => grid.faces(),
  closed: () => {
    $("studio").classList.remove("editing");
    grid.deselect();
  },
  opened: () => $("studio").classList.add("editing"),
});
const composer = new Composer($("composer"), generate);
let running = null;

/** Fills the grid with the faces of a description, while they are drawn. */
async function generate(request) {
  running?.abort();
  const mine = running = new AbortController();
  clearNotice();
  editor.close();
  composer.busy(true);
  const slots = grid.wait(request.n);
  try {
    await api.generate(request, (event) => {
      const seed = event.seed;
      const from = { words: { prompt: request.prompt, seed, truncation: request.truncation } };
      slots.fill(event.index, {
        image: api.picture(event.b64_json),
        label: request.prompt,
        finished: event.type.endsWith("completed"),
        latent: event.latent,
        seed,
        from,
      });
      if (event.index === 0 && seed !== undefined) composer.used(seed);
    }, mine.signal);
    $("hint").hidden = false;
  } catch (error) {
    if (error.name === "AbortError") return;
    notice(error, () => generate(request));
  } finally {
    slots.close();
    if (running === mine) composer.busy(false);
  }
}

/** Turns a photo into a face and opens it. */
async function photo(file) {
  clearNotice();
  const slots = grid.wait(1, { keep: true });
  try {
    const from = { image: await readPhoto(file) };
    const made = await api.face({ from });
    const face = {
      image: api.picture(made.b64_json),
      label: file.name || "Photo",
      finished: true,
      latent: made.latent,
      original: from.image,
      from: { latent: made.latent },
    };
    slots.fill(0, face);
    grid.select(face);
  } catch (error) {
    notice(error, () => photo(file));
  } finally {
    slots.close();
  }
}

async function askForKey() {
  const dialog = $("key-dialog");
  if (dialog.open) return null;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "ok" ? $("key").value.trim() : null;
}

addEventListener("keydown", (event) => {
  const typing = event.target.matches("textarea, input:not([type=range])");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    $("prompt").focus();
  } else if (event.key === "Escape" && !$("key-dialog").open) {
    editor.close();
  } else if (event.key === "z" && (event.ctrlKey || event.metaKey) && !typing) {
    event.preventDefault();
    editor.undo();
  }
});

try {
  const model = await api.model();
  $("model").textContent = `${model.id} · ${model.resolution} × ${model.resolution}`;
  composer.fit(model);
  editor.fit(model);
  if (model.photos) {
    if (!model.finds_faces) $("upload").title = $("drop-text").textContent = "A photo cut to head and shoulders of one face";
    acceptPhotos({ button: $("upload"), input: $("file"), drop: $("drop") }, photo);
  } else {
    $("upload").hidden = true;
  }
  // A first visit shows what the studio does before anything is read.
  if (!localStorage.getItem(VISITED)) {
    localStorage.setItem(VISITED, "1");
    composer.example();
  }
} catch (error) {
  notice(error, () => location.reload());
}
