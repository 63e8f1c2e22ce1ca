// The server, as functions. Every failure is a `Refused` with a sentence for people.

const KEY = "anyface-key";

export class Refused extends Error {
  constructor(message, status, retryAfter = 0) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let askForKey = async () => null;

/** Registers what asks the visitor for a key when the server wants one. */
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
  const told = await response.json().catch(() => null);
  throw new Refused(
    sentence(told?.error?.message),
    response.status,
    Number(response.headers.get("retry-after")),
  );
}

function sentence(message) {
  if (!message) return "Something went wrong.";
  const text = message[0].toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** The model that requests name; the server's first when `null`. */
let chosen = null;

/** Every request from now on is for this model. */
export function use(model) {
  chosen = model;
}

/** A request as it is sent: with the name of its model. */
export function named(request) {
  return chosen === null ? request : { ...request, model: chosen };
}

/** What each model is and can do; other names of the first are left out. */
export async function models() {
  const response = await call("/v1/models");
  return (await response.json()).data.filter((model) => !model.alias_of);
}

/** One face: `{b64_json, latent}`. */
export async function face(request, signal) {
  const response = await call("/v1/faces", named(request), signal);
  return response.json();
}

/** What is seen in a picture, a data URL: `{description, attributes, faces, ideas}`. */
export async function describe(image, signal) {
  const response = await call("/v1/describe", named({ image }), signal);
  return response.json();
}
