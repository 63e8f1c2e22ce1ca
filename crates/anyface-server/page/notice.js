// Notices: one line each, with buttons.

const box = document.getElementById("notice");
const said = document.getElementById("said");

/** Milliseconds before an announcement. Of a slider, only the last picture is announced. */
const PAUSE = 500;
/** Milliseconds that a message stays. */
const SHOWN = 2500;
const SHOWN_WITH_BUTTON = 8000;

let timer = 0;
let saying = 0;

/** Shows an error. If the studio is busy, retries automatically. */
export function notice(error, again) {
  if (error.status === 429 && again) return wait(Math.max(1, error.retryAfter), again);
  show(error.message);
  if (again) button("Try again", again);
  button("Dismiss", () => {});
}

function wait(seconds, again) {
  show("");
  let left = seconds;
  const text = box.firstChild;
  const count = () => {
    text.textContent = `The studio is busy. Trying again in ${left} s…`;
  };
  count();
  timer = setInterval(() => {
    left -= 1;
    if (left > 0) return count();
    clearNotice();
    again();
  }, 1000);
  button("Cancel", () => {});
}

/** Shows a temporary message, optionally with a button. */
export function tell(message, name, act) {
  show(message);
  if (name) button(name, act);
  timer = setInterval(clearNotice, name ? SHOWN_WITH_BUTTON : SHOWN);
}

/** Announces a message to screen readers. */
export function say(message) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    said.textContent = message;
  }, PAUSE);
}

export function clearNotice() {
  clearInterval(timer);
  box.hidden = true;
  box.replaceChildren();
}

function show(message) {
  clearNotice();
  const text = document.createElement("span");
  text.textContent = message;
  box.append(text);
  box.hidden = false;
}

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = name;
  made.addEventListener("click", () => {
    clearNotice();
    act();
  });
  box.append(made);
}
