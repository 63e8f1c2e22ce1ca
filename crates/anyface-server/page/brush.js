// The brush: the visitor paints over the part of a photo that may change.

import { address } from "./pictures.js";

/** Longest side of the canvas in pixels. A mask needs no more detail. */
const LONGEST = 768;
/** Width of the brush, as a fraction of the longest side. */
const BRUSH = 0.08;

const dialog = document.getElementById("brush");
const frame = document.getElementById("brush-photo");
const canvas = document.getElementById("brush-canvas");

/**
 * Lets the visitor paint where a photo may change, starting with the mask `before`. Resolves to the
 * mask, transparent where they painted; `null` for the whole photo; `undefined` if they cancel.
 */
export async function paintMask(photo, before) {
  const picture = await loaded(photo);
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  frame.style.backgroundImage = `url("${address(photo)}")`;
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  if (before) invert(paper, await loaded(before));
  const stop = followPointer(paper);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  stop();
  if (dialog.returnValue === "") return undefined;
  const painted = paper.getImageData(0, 0, canvas.width, canvas.height).data;
  const anything = painted.some((value, i) => i % 4 === 3 && value > 0);
  if (dialog.returnValue === "everywhere" || !anything) return null;
  const picturePainted = await createImageBitmap(canvas);
  invert(paper, picturePainted);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

async function loaded(blob) {
  const picture = Object.assign(new Image(), { src: address(blob) });
  await picture.decode();
  return picture;
}

/** Paints the canvas where `picture` is transparent. */
function invert(paper, picture) {
  const { width, height } = paper.canvas;
  paper.globalCompositeOperation = "copy";
  paper.fillStyle = "#e0563a";
  paper.fillRect(0, 0, width, height);
  paper.globalCompositeOperation = "destination-out";
  paper.drawImage(picture, 0, 0, width, height);
  paper.globalCompositeOperation = "source-over";
}

/** Paints along the pressed pointer. Returns a function that ends this. */
function followPointer(paper) {
  const { canvas } = paper;
  const over = new AbortController();
  const { signal } = over;
  let last = null;
  const point = (event) => {
    const bounds = canvas.getBoundingClientRect();
    return [
      ((event.clientX - bounds.left) / bounds.width) * canvas.width,
      ((event.clientY - bounds.top) / bounds.height) * canvas.height,
    ];
  };
  const paint = (event) => {
    if (!last) return;
    const next = point(event);
    paper.strokeStyle = "#e0563a";
    paper.lineCap = "round";
    paper.lineWidth = BRUSH * Math.max(canvas.width, canvas.height);
    paper.beginPath();
    paper.moveTo(...last);
    paper.lineTo(...next);
    paper.stroke();
    last = next;
  };
  const begin = (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = point(event);
    paint(event);
  };
  canvas.addEventListener("pointerdown", begin, { signal });
  canvas.addEventListener("pointermove", paint, { signal });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => (last = null), { signal });
  return () => over.abort();
}
