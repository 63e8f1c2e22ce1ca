// The address of the page names the open face: Back closes it, a reload opens it again.

let leaving = false;

/**
 * Calls `open(id)` with the face in the address, `undefined` for none: now, and whenever the
 * visitor goes back or forward.
 */
export function follow(open) {
  const moved = () => open(location.hash.slice(1) || undefined);
  addEventListener("popstate", () => {
    // This event comes from `leave`, which needs no further action.
    if (leaving) leaving = false;
    else moved();
  });
  moved();
}

/** Puts an open face into the address. Back leads to all faces, not to the previous face. */
export async function enter(id) {
  if (leaving) await new Promise((done) => addEventListener("popstate", done, { once: true }));
  if (location.hash.slice(1) === id) return;
  if (history.state?.opened) history.replaceState({ opened: true }, "", `#${id}`);
  else history.pushState({ opened: true }, "", `#${id}`);
}

/** Removes the face from the address. */
export function leave() {
  if (!location.hash || leaving) return;
  leaving = Boolean(history.state?.opened);
  if (leaving) history.back();
  else history.replaceState(null, "", location.pathname);
}
