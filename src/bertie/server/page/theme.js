// Light, dark, or as the system has it, which is where everybody begins.

const KEY = "bertie-theme";
const THEMES = ["auto", "light", "dark"];

export function cycle(button, step = 1) {
  const now = THEMES.indexOf(localStorage.getItem(KEY) ?? "auto");
  const theme = THEMES[(Math.max(now, 0) + step) % THEMES.length];
  localStorage.setItem(KEY, theme);
  document.documentElement.dataset.theme = theme;
  button.textContent = `Theme: ${theme}`;
}
