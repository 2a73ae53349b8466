// A table of runs: a row opens its details, boxes choose runs to compare. Text is set as text, never as HTML.
export function render({ model, el }) {
  const table = document.createElement("table")
  const head = table.createTHead().insertRow()
  for (const title of ["", ...model.columns]) {
    const cell = document.createElement("th")
    cell.scope = "col"
    cell.textContent = title
    head.append(cell)
  }
  const body = table.createTBody()
  const rows = new Map()

  const make = (run) => {
    const row = document.createElement("tr")
    const box = document.createElement("input")
    box.type = "checkbox"
    box.setAttribute("aria-label", `compare ${run.name}`)
    box.onchange = () => {
      const others = model.chosen.filter((id) => id !== run.id)
      model.chosen = box.checked ? [...others, run.id] : others
    }
    const open = document.createElement("button")
    open.type = "button"
    open.onclick = () => { model.opened = run.id }
    row.onclick = (event) => { if (event.target !== box && event.target !== open) model.opened = run.id }
    row.insertCell().append(box)
    const name = row.insertCell()
    name.append(open)
    const cells = run.cells.map(() => row.insertCell())
    const state = document.createElement("span")
    const bar = document.createElement("progress")
    bar.max = 1
    cells[0].append(state)
    cells[1].append(bar, document.createElement("span"))
    return { row, box, open, cells, state, bar }
  }

  const put = (node, text) => { if (node.textContent !== text) node.textContent = text }

  const update = () => {
    const seen = new Set()
    model.rows.forEach((run, place) => {
      seen.add(run.id)
      if (!rows.has(run.id)) rows.set(run.id, make(run))
      const { row, box, open, cells, state, bar } = rows.get(run.id)
      put(open, run.name)
      put(state, run.word)
      state.className = `state ${run.state}`
      bar.hidden = run.fraction === null
      if (run.fraction !== null) bar.value = run.fraction
      put(cells[1].lastChild, run.cells[1])
      cells[1].title = run.cells[1]
      run.cells.slice(2).forEach((text, index) => put(cells[index + 2], text))
      box.checked = model.chosen.includes(run.id)
      row.classList.toggle("open", model.opened === run.id)
      open.setAttribute("aria-expanded", model.opened === run.id)
      if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null)
    })
    for (const [id, { row }] of rows) if (!seen.has(id)) { row.remove(); rows.delete(id) }
  }
  for (const name of ["rows", "chosen", "opened"]) model.on(name, update)
  update()
  const scroll = document.createElement("div")
  scroll.className = "scroll"
  scroll.append(table)
  return scroll
}
