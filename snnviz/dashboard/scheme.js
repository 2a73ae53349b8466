// The system's preference for light or dark goes to the server as a cookie, before anything is drawn. Whoever comes for the first time
// with a dark one asks once more.
(() => {
  const now = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"
  const told = () => (/(?:^|; )snnviz_scheme=(\w+)/.exec(document.cookie) ?? ["", "light"])[1]
  if (told() === now) return
  document.cookie = `snnviz_scheme=${now}; path=/; SameSite=Lax; max-age=31536000`
  if (told() === now && !new URLSearchParams(location.search).has("dark")) location.reload()
})();
