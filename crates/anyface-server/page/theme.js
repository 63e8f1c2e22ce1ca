// Dark or light: the system's choice until the visitor chooses.

const CHOSEN = "anyface-theme";

export function themed(button) {
  const root = document.documentElement;
  const show = (theme) => {
    if (theme) root.dataset.theme = theme;
  };
  show(localStorage.getItem(CHOSEN));
  button.addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const now = root.dataset.theme ?? system;
    const next = now === "dark" ? "light" : "dark";
    localStorage.setItem(CHOSEN, next);
    show(next);
  });
}
