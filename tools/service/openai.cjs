// The image API with OpenAI's JavaScript package: node openai.cjs ADDRESS MODULES. MODULES is the folder in
// which the package is installed.

const assert = require("node:assert/strict");
const { createRequire } = require("node:module");

const [address, modules] = process.argv.slice(2);
const { default: OpenAI, toFile } = createRequire(`${modules}/`)("openai");
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0 });

/** The width and height of a PNG file. */
function size(png) {
  assert.equal(png.toString("latin1", 1, 4), "PNG");
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

async function main() {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes("gpt-image-1"));

  const words = { model: "gpt-image-1", prompt: "an old sailor", n: 2, size: "256x256" };
  const made = await client.images.generate({ ...words, quality: "high" });
  assert.equal(made.data.length, 2);
  const png = Buffer.from(made.data[0].b64_json, "base64");
  assert.deepEqual(size(png), [256, 256]);

  const image = await toFile(png, "face.png", { type: "image/png" });
  const edited = await client.images.edit({ model: "gpt-image-1", image, prompt: "older" });
  assert.notEqual(edited.data[0].b64_json, made.data[0].b64_json);

  const stream = await client.images.generate({ prompt: "a face", stream: true, partial_images: 1 });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  assert.deepEqual(kinds, ["image_generation.partial_image", "image_generation.completed"]);

  await assert.rejects(client.images.generate({ prompt: " " }), OpenAI.BadRequestError);
}

main();
