// Pictures as blobs, which the browser may keep on disk.

const addresses = new WeakMap();
const thumbnails = new WeakMap();

/** Sides of the compared thumbnails and of their tiles, in pixels. */
const THUMBNAIL = 64;
const TILE = 4;

/** A picture from base64. */
export function fromBase64(text, type = "image/png") {
  return new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))], { type });
}

/** A picture from a data URL. */
export function fromDataUrl(url) {
  const [, type, text] = /^data:(image\/[\w.+-]+);base64,([A-Za-z0-9+/=]*)$/.exec(url) ?? [];
  if (!type) throw new Error("not a picture");
  return fromBase64(text, type);
}

/** A picture as a data URL. */
export function toDataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** The URL of a picture for `img`. It is the same for every call. */
export function address(blob) {
  if (!addresses.has(blob)) addresses.set(blob, URL.createObjectURL(blob));
  return addresses.get(blob);
}

/** Frees the URL of a picture that is no longer shown. */
export function release(blob) {
  if (!addresses.has(blob)) return;
  URL.revokeObjectURL(addresses.get(blob));
  addresses.delete(blob);
}

/** The largest mean difference of two pictures in any tile, in levels of 0 to 255. */
export async function difference(one, other) {
  const [a, b] = await Promise.all([thumbnail(one), thumbnail(other)]);
  const tiles = THUMBNAIL / TILE;
  const sums = new Float64Array(tiles * tiles);
  for (let i = 0; i < a.length; i++) {
    if (i % 4 === 3) continue;
    const [x, y] = [(i >> 2) % THUMBNAIL, Math.floor((i >> 2) / THUMBNAIL)];
    sums[Math.floor(y / TILE) * tiles + Math.floor(x / TILE)] += Math.abs(a[i] - b[i]);
  }
  return Math.max(...sums) / (3 * TILE * TILE);
}

function thumbnail(blob) {
  if (!thumbnails.has(blob)) thumbnails.set(blob, scaled(blob));
  return thumbnails.get(blob);
}

async function scaled(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = Object.assign(document.createElement("canvas"), {
    width: THUMBNAIL,
    height: THUMBNAIL,
  });
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  paper.imageSmoothingQuality = "high";
  paper.drawImage(bitmap, 0, 0, THUMBNAIL, THUMBNAIL);
  bitmap.close();
  return paper.getImageData(0, 0, THUMBNAIL, THUMBNAIL).data;
}
