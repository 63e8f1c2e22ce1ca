// The address of the page says which face is open: Back closes it, a reload opens it again.

let leaving = false;

/**
 * `open(id)` hears which face the address names, `undefined` for none: now, and whenever the
 * visitor goes back or forth.
 */
export function follow(open) {
  const moved = () => open(location.hash.slice(1) || undefined);
  addEventListener("popstate", () => {
    // What `leave` asks for has been done already.
    if (leaving) leaving = false;
    else moved();
  });
  moved();
}

/** Notes that a face is open. Back leads to all faces, never to the face before. */
export async function enter(id) {
  if (leaving) await new Promise((done) => addEventListener("popstate", done, { once: true }));
  if (location.hash.slice(1) === id) return;
  if (history.state?.opened) history.replaceState({ opened: true }, "", `#${id}`);
  else history.pushState({ opened: true }, "", `#${id}`);
}

/** Notes that no face is open. */
export function leave() {
  if (!location.hash || leaving) return;
  leaving = Boolean(history.state?.opened);
  if (leaving) history.back();
  else history.replaceState(null, "", location.pathname);
}
