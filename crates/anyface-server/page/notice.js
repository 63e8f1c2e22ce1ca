// One line about what happened, and a way on.

const box = document.getElementById("notice");
const said = document.getElementById("said");

/** Long enough that of a slider's pictures only the last is announced, in milliseconds. */
const PAUSE = 500;
const SHOWN = 2500;
const SHOWN_WITH_BUTTON = 8000;

let timer = 0;
let saying = 0;

/** Shows an error; a busy studio is asked again by itself. */
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

/** Says a word that goes by itself, perhaps with something to do about it. */
export function tell(message, name, act) {
  show(message);
  if (name) button(name, act);
  timer = setInterval(clearNotice, name ? SHOWN_WITH_BUTTON : SHOWN);
}

/** Says something to those who do not see it. */
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
