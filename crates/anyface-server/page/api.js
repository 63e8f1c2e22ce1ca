// The API of the server. Every failure is a `Refused` with a sentence for the visitor.

const KEY = "anyface-key";

export class Refused extends Error {
  constructor(message, status, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let askForKey = async () => null;

/** Registers the function that asks the visitor for a key when the server requires one. */
export function onKeyWanted(ask) {
  askForKey = ask;
}

async function call(path, body, signal) {
  const headers = {};
  const key = localStorage.getItem(KEY);
  if (key) headers.authorization = `Bearer ${key}`;
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers,
      body: body && JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The studio does not answer. Is the server still running?", 0);
  }
  if (response.ok) return response;
  if (response.status === 401) {
    const given = await askForKey();
    if (given) {
      localStorage.setItem(KEY, given);
      return call(path, body, signal);
    }
  }
  const failure = await response.json().catch(() => null);
  throw new Refused(
    sentence(failure?.error?.message),
    response.status,
    Number(response.headers.get("retry-after")),
  );
}

function sentence(message) {
  if (!message) return "Something went wrong.";
  const text = message[0].toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The model of all requests; `null` for the server's first model. */
let chosen = null;

/** Selects the model of all later requests. */
export function use(model) {
  chosen = model;
}

/** Adds the name of the model to a request. */
export function named(request) {
  return chosen === null ? request : { ...request, model: chosen };
}

/** All models, without aliases. */
export async function models() {
  const response = await call("/v1/models");
  return (await response.json()).data.filter((model) => !model.alias_of);
}

/** Requests one face: `{b64_json, latent}`. */
export async function face(request, signal) {
  const response = await call("/v1/faces", named(request), signal);
  return response.json();
}

/** Describes the face in a data URL: `{description, attributes, faces, ideas}`. */
export async function describe(image, signal) {
  const response = await call("/v1/describe", named({ image }), signal);
  return response.json();
}
