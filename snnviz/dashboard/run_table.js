// A table of runs: a row opens its details, boxes choose runs to compare, stars mark, heads sort. Text is set as text, never as HTML.
export function render({ model, el }) {
  const table = document.createElement("table")
  const head = table.createTHead().insertRow()
  const body = table.createTBody()
  const rows = new Map()
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text }

  const offered = document.createElement("div")
  const choose = () => {
    offered.replaceChildren(...model.offered.map(([words, key]) => {
      const box = document.createElement("input")
      box.type = "checkbox"
      box.checked = model.picked.includes(key)
      box.onchange = () => {
        const others = model.picked.filter((one) => one !== key)
        model.picked = box.checked ? [...others, key] : others
      }
      const label = document.createElement("label")
      label.append(box, words)
      return label
    }))
  }

  const title = () => {
    head.replaceChildren(...["", "", ...model.columns].map((words, place) => {
      const cell = document.createElement("th")
      cell.scope = "col"
      if (place < 2) {
        cell.setAttribute("aria-label", ["compare", "star"][place])
        return cell
      }
      const key = model.keys[place - 2]
      const sorted = model.sort.replace("-", "") === key
      const falling = model.sort.startsWith("-")
      const button = document.createElement("button")
      button.type = "button"
      button.textContent = words
      button.dataset.key = key
      if (sorted) button.dataset.arrow = falling ? "▼" : "▲"
      cell.setAttribute("aria-sort", !sorted ? "none" : falling ? "descending" : "ascending")
      // numbers and times are looked at from above, words from the beginning
      button.onclick = () => { model.sort = sorted ? (falling ? key : `-${key}`) : model.words.includes(key) ? key : `-${key}` }
      cell.append(button)
      return cell
    }))
  }

  const make = (run) => {
    const row = document.createElement("tr")
    const box = document.createElement("input")
    box.type = "checkbox"
    box.setAttribute("aria-label", `compare ${run.name}`)
    box.onchange = () => {
      const others = model.chosen.filter((id) => id !== run.id)
      model.chosen = box.checked ? [...others, run.id] : others
    }
    const star = document.createElement("button")
    star.type = "button"
    star.className = "star"
    star.hidden = !model.editable
    star.onclick = () => model.send_msg({ star: run.id })
    const open = document.createElement("button")
    open.type = "button"
    open.onclick = () => { model.opened = run.id }
    row.onclick = (event) => { if (![box, open, star].includes(event.target)) model.opened = run.id }
    row.insertCell().append(box)
    row.insertCell().append(star)
    const name = row.insertCell()
    const labels = document.createElement("span")
    name.append(open, labels)
    const state = document.createElement("span")
    const bar = document.createElement("progress")
    bar.max = 1
    const cells = [row.insertCell(), row.insertCell()]
    cells[0].append(state)
    cells[1].append(bar, document.createElement("span"))
    return { row, box, star, open, labels, cells, state, bar }
  }

  const update = () => {
    const seen = new Set()
    model.rows.forEach((run, place) => {
      seen.add(run.id)
      if (!rows.has(run.id)) rows.set(run.id, make(run))
      const { row, box, star, open, labels, cells, state, bar } = rows.get(run.id)
      put(open, run.name)
      open.title = run.note
      put(star, run.star ? "★" : "☆")
      star.setAttribute("aria-label", `star ${run.name}`)
      star.setAttribute("aria-pressed", run.star)
      if (labels.dataset.labels !== run.labels.join(",")) {
        labels.dataset.labels = run.labels.join(",")
        labels.replaceChildren(...run.labels.map((word) => {
          const chip = document.createElement("span")
          chip.className = "chip"
          chip.textContent = word
          return chip
        }))
      }
      put(state, run.word)
      state.className = `state ${run.state}`
      bar.hidden = run.fraction === null
      if (run.fraction !== null) bar.value = run.fraction
      put(cells[1].lastChild, run.said)
      cells[1].title = run.said
      while (row.cells.length > 5 + run.cells.length) row.deleteCell(-1)
      run.cells.forEach((text, index) => put(row.cells[index + 5] ?? row.insertCell(), text))
      box.checked = model.chosen.includes(run.id)
      row.classList.toggle("open", model.opened === run.id)
      open.setAttribute("aria-expanded", model.opened === run.id)
      if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null)
    })
    for (const [id, { row }] of rows) if (!seen.has(id)) { row.remove(); rows.delete(id) }
  }
  for (const name of ["rows", "chosen", "opened"]) model.on(name, update)
  for (const name of ["columns", "sort", "keys"]) model.on(name, title)
  for (const name of ["offered", "picked"]) model.on(name, choose)
  choose()
  title()
  update()
  const columns = document.createElement("details")
  columns.className = "columns"
  const summary = document.createElement("summary")
  summary.textContent = "Columns"
  columns.append(summary, offered)
  const all = document.createElement("div")
  const scroll = document.createElement("div")
  scroll.className = "scroll"
  scroll.append(table)
  all.append(columns, scroll)
  return all
}
