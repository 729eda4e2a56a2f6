// Runs before the first paint so that a kept theme never flashes. External, because the CSP allows no inline script.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem('millrace.theme');
  } catch {
    // Storage may be forbidden; the system's theme is the answer then.
  }
  const dark = kept === 'dark' || (kept !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
