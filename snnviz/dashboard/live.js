// A pad to draw on, the layers of a network as maps that light up where neurons fire, and the answer; time passes in the browser.
// The server is sent what is drawn (bytes in base64, one message at a time), and sends back all steps at once.
export function render({ model }) {
  const make = (name, attributes = {}, ...inside) => {
    const made = document.createElement(name)
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
    made.append(...inside)
    return made
  }
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const PAD = 224, FADE = 0.55, STEP = 90, LOST = 2000 // pixels; light left after a step; milliseconds
  const root = make("div", { class: "live" })
  const pad = make("canvas", { width: PAD, height: PAD, class: "drawing", role: "img", "aria-label": "Pad to draw on" })
  const ink = pad.getContext("2d", { willReadFrequently: true })
  const clear = make("button", { type: "button", class: "step" }, "Clear")
  const next = make("button", { type: "button", class: "step" }, "Another test image")
  const file = make("input", { type: "file", accept: "image/*", "aria-label": "A picture of your own", hidden: "" })
  const choose = make("button", { type: "button", class: "step" }, "A picture of your own")
  const camera = make("button", { type: "button", class: "step" }, "Camera")
  const said = make("p", { class: "note", role: "status" })
  const refused = make("p", { class: "note", role: "status" }) // apart, or a late answer's time would take its place
  const play = make("button", { type: "button", class: "step" }, "Pause")
  const slider = make("input", { type: "range", min: 1, max: 1, value: 1, "aria-label": "Time step" })
  const clock = make("span", { class: "note" })
  const maps = make("div", { class: "maps" })
  const bars = make("div", { class: "bars", role: "img", "aria-label": "Class scores" })
  root.append(
    make("div", {}, pad, make("div", { class: "steps" }, clear, camera, next), make("div", { class: "steps" }, choose, file), refused, said),
    make("div", {}, make("div", { class: "steps" }, play, slider, clock), maps, bars),
  )

  // --- what is drawn, to the server: one message under way, the newest next
  let serial = 0, waiting = 0, sent = 0, dirty = false
  const send = () => {
    if (waiting && performance.now() - sent < LOST) { dirty = true; return }
    const [height, width, channels] = model.shape
    const small = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true })
    small.imageSmoothingQuality = "high"
    small.drawImage(pad, 0, 0, width, height)
    const rgba = small.getImageData(0, 0, width, height).data
    let text = ""
    for (let place = 0; place < rgba.length; place += 4)
      for (let channel = 0; channel < channels; channel++)
        text += String.fromCharCode(channels === 1 ? Math.round((rgba[place] + rgba[place + 1] + rgba[place + 2]) / 3) : rgba[place + channel])
    dirty = false
    waiting = ++serial
    sent = performance.now()
    model.drawn = `${serial}:${btoa(text)}`
  }
  const empty = () => { ink.fillStyle = "#000"; ink.fillRect(0, 0, PAD, PAD) }
  const put = (image) => { // the middle of it, as a square
    const [width, height] = [image.videoWidth ?? image.width, image.videoHeight ?? image.height]
    const side = Math.min(width, height)
    empty()
    ink.drawImage(image, (width - side) / 2, (height - side) / 2, side, side, 0, 0, PAD, PAD)
  }
  const onBlack = () => { // a digit on paper as white on black with full contrast, as those the network knows
    if (model.shape[2] !== 1) return
    const image = ink.getImageData(0, 0, PAD, PAD), light = new Float32Array(PAD * PAD)
    let edge = 0, edges = 0
    for (let at = 0; at < light.length; at++) {
      light[at] = (image.data[4 * at] + image.data[4 * at + 1] + image.data[4 * at + 2]) / 3
      if (at < PAD || at >= PAD * (PAD - 1) || at % PAD === 0) { edge += light[at]; edges++ }
    }
    const low = light.reduce((one, other) => Math.min(one, other)), high = light.reduce((one, other) => Math.max(one, other))
    const paper = edge / edges > (low + high) / 2
    light.forEach((value, at) => {
      const share = (value - low) / Math.max(high - low, 1)
      image.data.fill(255 * (paper ? 1 - share : share), 4 * at, 4 * at + 3)
    })
    ink.putImageData(image, 0, 0)
  }
  let last = null
  const place = (event) => [event.offsetX * PAD / pad.clientWidth, event.offsetY * PAD / pad.clientHeight]
  pad.onpointerdown = (event) => { close(); pad.setPointerCapture(event.pointerId); last = place(event); pad.onpointermove(event) }
  pad.onpointerup = pad.onpointercancel = () => { last = null }
  pad.onpointermove = (event) => {
    if (!last) return
    const now = place(event)
    ink.strokeStyle = "#fff"; ink.lineWidth = PAD / 12; ink.lineCap = ink.lineJoin = "round"
    ink.beginPath(); ink.moveTo(...last); ink.lineTo(now[0] + 0.01, now[1]); ink.stroke()
    last = now
    send()
  }
  const take = async (picture) => { if (picture) { close(); put(await createImageBitmap(picture)); onBlack(); send() } }
  clear.onclick = () => { close(); empty(); send() }
  next.onclick = () => { close(); model.send_msg({ next: true }) }

  // --- the camera: what it sees goes where strokes go, to this server
  const FRAME = 100 // milliseconds
  const video = make("video", { muted: "", playsinline: "" })
  let looking = 0
  const close = () => {
    clearInterval(looking)
    looking = 0
    video.srcObject?.getTracks().forEach((track) => track.stop())
    video.srcObject = null
    camera.textContent = "Camera"
  }
  const NO_CAMERA = {
    NotAllowedError: "The browser was not allowed to use the camera: allow it for this page, or draw.",
    NotFoundError: "No camera was found on this machine: draw, or choose a picture.",
  }
  camera.onclick = async () => {
    if (looking) { close(); return }
    refused.textContent = ""
    if (!navigator.mediaDevices) { refused.textContent = "Browsers give the camera to pages at localhost or over https alone: draw, or choose a picture."; return }
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } })
      await video.play()
    } catch (error) {
      close()
      refused.textContent = NO_CAMERA[error.name] ?? `The camera gives no picture (${error.name}): draw, or choose a picture.`
      return
    }
    camera.textContent = "Stop camera"
    looking = setInterval(() => { if (root.isConnected) { put(video); onBlack(); send() } }, FRAME)
  }
  choose.onclick = () => file.click()
  file.onchange = () => take(file.files[0])
  root.ondragover = (event) => event.preventDefault()
  root.ondrop = (event) => { event.preventDefault(); take(event.dataTransfer.files[0]) }
  const given = () => {
    if (!model.given) return
    const image = new Image()
    image.onload = () => { ink.imageSmoothingEnabled = false; put(image) }
    image.src = model.given
  }

  // --- what comes back
  let layers = [], time = 1, playing = !matchMedia("(prefers-reduced-motion: reduce)").matches, glow = []
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim()
  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))
  const build = () => {
    maps.replaceChildren(...model.answer.layers.map((layer) => {
      const canvas = make("canvas", { width: layer.columns, height: layer.rows })
      const button = make("button", { type: "button", class: "map", "aria-label": `layer ${layer.name}` },
        canvas, make("span", {}, layer.name), make("span", { class: "note" }, `${layer.neurons} neurons`))
      button.onclick = (event) => {
        const at = (value, size, count) => Math.min(count - 1, Math.max(0, Math.floor(value / size * count)))
        const box = canvas.getBoundingClientRect()
        const mouse = event.detail > 0 // a key has no place
        const row = mouse ? at(event.clientY - box.top, box.height, layer.rows) : 0
        const column = mouse ? at(event.clientX - box.left, box.width, layer.columns) : 0
        model.send_msg({ layer: layer.name, neuron: Math.min(row * layer.columns + column, layer.shown - 1) })
      }
      return button
    }))
    bars.replaceChildren(...model.classes.map((name) => make("div", {}, make("span", {}, name), make("span", { class: "bar" }))))
  }
  const show = () => {
    if (!model.answer.layers) return
    const [dim, paper] = [color("--snn-raised"), color("--snn-card")].map(rgb)
    layers.forEach((layer, index) => {
      const canvas = maps.children[index].querySelector("canvas")
      const image = new ImageData(layer.columns, layer.rows)
      const bright = rgb(layer.color)
      for (let neuron = 0; neuron < layer.rows * layer.columns; neuron++) {
        const light = neuron < layer.shown ? glow[index][neuron] : 0
        const base = neuron < layer.shown ? dim : paper
        for (let channel = 0; channel < 3; channel++)
          image.data[4 * neuron + channel] = base[channel] + light * (bright[channel] - base[channel])
        image.data[4 * neuron + 3] = 255
      }
      canvas.getContext("2d").putImageData(image, 0, 0)
    })
    const scores = model.answer.scores[time - 1]
    const best = scores.indexOf(Math.max(...scores)), top = Math.max(1e-6, ...scores), low = Math.min(0, ...scores)
    scores.forEach((score, place) => {
      bars.children[place].className = place === best ? "best" : ""
      bars.children[place].lastChild.style.width = `${100 * (score - low) / (top - low)}%`
    })
    slider.value = time
    clock.textContent = `step ${time} of ${model.answer.steps}: ${model.classes[best]}, ${model.answer.events[time - 1]} events so far`
  }
  const light = () => {
    layers.forEach((layer, index) => {
      const from = (time - 1) * layer.shown
      for (let neuron = 0; neuron < layer.shown; neuron++) {
        const bit = from + neuron
        const fired = (layer.bits[bit >> 3] >> (7 - (bit & 7))) & 1
        glow[index][neuron] = Math.max(fired, FADE * glow[index][neuron])
      }
    })
  }
  const go = (to) => { // the light of a step is that of those before it
    glow = layers.map((layer) => new Float32Array(layer.shown))
    for (time = 1; ; time++) { light(); if (time >= to) break }
    show()
  }
  const answered = () => {
    const answer = model.answer
    if (!answer.layers) return
    const alike = layers.length === answer.layers.length && layers.every((layer, index) => layer.name === answer.layers[index].name)
    layers = answer.layers.map((layer) => ({ ...layer, bits: bytes(layer.bits) }))
    if (!alike || maps.children.length !== layers.length) build()
    slider.max = answer.steps
    if (answer.serial === waiting) {
      said.textContent = sent ? `From stroke to picture ${Math.round(performance.now() - sent)} ms` : ""
      root.dataset.took = performance.now() - sent
      waiting = 0
    }
    go(playing ? 1 : Math.min(time, answer.steps))
    label()
    if (dirty) send()
  }
  const ended = () => time >= (model.answer.steps ?? 1)
  const label = () => { play.textContent = playing && !ended() ? "❚❚ Pause" : "▶ Play" }
  play.onclick = () => { playing = ended() || !playing; if (playing && ended()) go(1); label() }
  slider.oninput = () => { playing = false; label(); go(Number(slider.value)) }
  const timer = setInterval(() => {
    if (!root.isConnected) return
    if (playing && layers.length && !ended()) { time++; light(); show(); label() }
  }, STEP)
  model.on("remove", () => { clearInterval(timer); close() })
  model.on("answer", answered)
  model.on("given", given)
  model.on("classes", () => { layers = []; maps.replaceChildren() })
  empty(); given(); label(); answered()
  return root
}
