// The visitor's photos: chosen, dropped or pasted.

/** Longest side in pixels. Larger photos are scaled down before they are sent. */
const LONGEST = 1536;
/** Quality of JPEG files, 0 to 1. */
const QUALITY = 0.95;

/** Calls `take` with each photo from the visitor. */
export function acceptPhotos({ button, input, drop }, take) {
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(isPhoto);
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => {
    if (carriesFiles(event) && ++depth) drop.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) drop.hidden = true;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    drop.hidden = true;
    const file = event.dataTransfer.files[0];
    if (file) take(file);
  });
}

function isPhoto(file) {
  return file.type.startsWith("image/");
}

/** Converts a photo to an upright JPEG file, which is sent with every change. */
export async function readPhoto(file) {
  if (!isPhoto(file)) throw new Error("This file is not a picture. Use a PNG or JPEG file.");
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Error("This picture cannot be read. Use a PNG or JPEG file.");
  });
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const paper = canvas.getContext("2d");
  paper.fillStyle = "#fff";
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.imageSmoothingQuality = "high";
  paper.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}
