// Runs before the first paint, so that a dark page never flashes white.
'use strict';
(() => {
  const root = document.documentElement;
  const chosen = localStorage.getItem('theme');
  if (chosen === 'dark' || chosen === 'light') root.dataset.theme = chosen;
  addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    if (!button) return;
    button.addEventListener('click', () => {
      const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
      root.dataset.theme = dark ? 'light' : 'dark';
      localStorage.setItem('theme', root.dataset.theme);
      dispatchEvent(new Event('themechange'));
    });
  });
})();
