// The choice of a face in a photo with several.

import * as api from "./api.js";
import { address, toDataUrl } from "./pictures.js";

/** Side of the cut-out faces in pixels. */
const SIDE = 112;

/** The index of the face that the visitor chooses; `null` if they choose none. */
export async function whichFace(photo, model) {
  if (!model.describes || !model.finds_faces) return 0;
  // An error is shown when the face is requested.
  const seen = await api.describe(await toDataUrl(photo)).catch(() => null);
  if (!seen || seen.faces.length < 2) return 0;
  const dialog = document.getElementById("which");
  const picture = Object.assign(new Image(), { src: address(photo) });
  await picture.decode();
  const list = document.getElementById("which-faces");
  list.replaceChildren(...seen.faces.map((bounds, i) => button(picture, bounds, i)));
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "" ? null : Number(dialog.returnValue);
}

/** A button with a face, cut out of the photo. */
function button(picture, { left, top, width, height }, number) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const [across, down] = [width * picture.width, height * picture.height];
  const side = 1.4 * Math.max(across, down);
  const x = left * picture.width + (across - side) / 2;
  const y = top * picture.height + (down - side) / 2;
  canvas.getContext("2d").drawImage(picture, x, y, side, side, 0, 0, SIDE, SIDE);
  const button = document.createElement("button");
  button.value = number;
  button.setAttribute("aria-label", `Face ${number + 1}`);
  button.append(canvas);
  return button;
}
