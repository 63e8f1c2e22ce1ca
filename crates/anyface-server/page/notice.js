// One line about what went wrong, and a way on.

const box = document.getElementById("notice");
let timer = 0;

/** Shows an error; a busy studio is asked again by itself. */
export function notice(error, again) {
  clearNotice();
  box.hidden = false;
  const text = document.createElement("span");
  box.replaceChildren(text);
  if (error.status === 429 && again) {
    let left = Math.max(1, error.retryAfter);
    const tell = () => { text.textContent = `The studio is busy. Trying again in ${left} s…`; };
    tell();
    timer = setInterval(() => {
      left -= 1;
      if (left > 0) return tell();
      clearNotice();
      again();
    }, 1000);
    button("Cancel", clearNotice);
    return;
  }
  text.textContent = error.message;
  if (again && (error.status === 0 || error.status >= 500)) {
    button("Try again", () => {
      clearNotice();
      again();
    });
  } else {
    button("Dismiss", clearNotice);
  }
}

/** Says a word that goes by itself. */
export function tell(message) {
  clearNotice();
  box.hidden = false;
  box.textContent = message;
  timer = setInterval(clearNotice, 2500);
}

export function clearNotice() {
  clearInterval(timer);
  box.hidden = true;
  box.replaceChildren();
}

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = name;
  made.addEventListener("click", act);
  box.append(made);
}
