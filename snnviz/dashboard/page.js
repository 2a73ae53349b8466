// The address tells the page's state. What a hand does is one step back; what goes on by itself, or a slider passes over, is none.
// Back and forth tell the server the address, which sets the state; Panel alone changes the address and never listens to it.
(() => {
  const push = history.pushState.bind(history)
  const ONE_STEP = 1000 // milliseconds
  let touched = false, last = -Infinity
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => { touched = true }, { capture: true })
  history.pushState = (state, title, url) => {
    if (new URL(url, location.href).href === location.href) return
    const now = performance.now()
    if (touched && now - last > ONE_STEP) push(state, title, url)
    else history.replaceState(state, title, url)
    if (touched) last = now
  }
  addEventListener("popstate", () => {
    touched = false // what the server answers is no further step
    for (const shown of Bokeh.documents)
      for (const root of shown.roots()) if (root.type === "panel.models.location.Location") root.search = location.search
  })
})();
// A bar on top while the server works on what a hand did. It comes after a moment, and goes with the first answer; what is done apart
// from the page disables its button until then.
(() => {
  const AFTER = 50, MOST = 20000 // milliseconds
  const OWN = /Range|Plot|figure|Canvas|Location|Tool/ // what the browser tells for itself: nobody waits for an answer
  const bar = document.createElement("div")
  bar.className = "snn-busy"
  bar.setAttribute("role", "status")
  bar.setAttribute("aria-label", "Working")
  bar.hidden = true
  let touched = 0, coming = 0
  for (const kind of ["pointerdown", "pointerup", "keydown", "change"])
    addEventListener(kind, () => { touched = performance.now() }, { capture: true })
  const done = () => { clearTimeout(coming); coming = 0; bar.hidden = true }
  const watch = (shown) => shown.on_change((event) => {
    if (event.sync === false) { if (event.attr !== "disabled" || !event.value) done() } // a button that waits is no answer
    else if (performance.now() - touched < 300 && !OWN.test(event.model?.type ?? event.msg_type ?? "") && !coming)
      coming = setTimeout(() => { bar.hidden = false; coming = setTimeout(done, MOST) }, AFTER)
  })
  const seen = new Set()
  const look = setInterval(() => {
    for (const shown of globalThis.Bokeh?.documents ?? []) if (!seen.has(shown)) { seen.add(shown); watch(shown) }
    if (seen.size) { clearInterval(look); document.body.append(bar) }
  }, 50)
})();
// Escape hides an explanation, until the hand moves again.
(() => {
  const tips = (shown) => document.documentElement.style.setProperty("--snn-tip", shown)
  addEventListener("keydown", (event) => {
    tips(event.key === "Escape" ? "none" : "block")
    const focused = event.composedPath()[0]
    if (event.key === "Escape" && focused.matches?.(".term")) focused.blur()
  })
  addEventListener("pointermove", () => tips("block"))
})();
// A button with a text to take along copies it.
addEventListener("click", async (event) => {
  const button = event.composedPath().find((part) => part instanceof HTMLElement && part.dataset.copy !== undefined)
  if (!button) return
  const words = button.textContent
  try {
    await navigator.clipboard.writeText(button.dataset.copy)
    button.textContent = "Copied"
  } catch {
    button.textContent = "Not allowed here: select the text below"
  }
  setTimeout(() => { button.textContent = words }, 2000)
})
